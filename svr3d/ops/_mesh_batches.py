# SPDX-License-Identifier: Apache-2.0
"""Batches of different meshes, padded or ragged, as one pack."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from svr3d.ops._arguments import (
    TensorLike,
    as_tensor,
    check_batched_faces,
    check_clouds,
    check_faces,
    check_lengths,
    check_points,
)


class MeshPack(NamedTuple):
    """Meshes one after the other.

    Attributes:
        vertices: (V, 3) of all meshes.
        faces: (F, 3) int64, which index the vertices of their own mesh.
        spans: (B, 4) int64, where each mesh lies: first vertex, number of vertices,
            first face, number of faces.
    """

    vertices: Tensor
    faces: Tensor
    spans: Tensor


def pack_meshes(
    vertices: Tensor | Sequence[TensorLike],
    faces: TensorLike | Sequence[TensorLike],
    lengths: TensorLike | None,
) -> MeshPack:
    """Packs (B, V, 3) meshes with (F, 3) or (B, F, 3) faces, or lists of meshes.

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If an argument's shape, range or content is wrong.
    """
    if isinstance(vertices, Tensor):
        return _pack_padded(vertices, faces, lengths)
    if lengths is not None:
        raise ValueError("lengths: expected None for lists of meshes, found a value")
    if not isinstance(faces, list | tuple) or len(faces) != len(vertices):
        found = len(faces) if isinstance(faces, list | tuple) else type(faces).__name__
        raise ValueError(
            f"faces: expected a list of {len(vertices)} like vertices, found {found}"
        )
    if not vertices:
        raise ValueError("vertices: expected at least one mesh, found none")
    points = [check_points(v, f"vertices[{i}]") for i, v in enumerate(vertices)]
    corners = [check_faces(f, v) for f, v in zip(faces, points, strict=True)]
    spans, first, face = [], 0, 0
    for v, f in zip(points, corners, strict=True):
        spans.append([first, len(v), face, len(f)])
        first, face = first + len(v), face + len(f)
    device = points[0].device
    return MeshPack(
        torch.cat(points), torch.cat(corners), torch.tensor(spans, device=device)
    )


def _pack_padded(
    vertices: Tensor, faces: TensorLike, lengths: TensorLike | None
) -> MeshPack:
    vertices = check_clouds(vertices, "vertices")
    faces = check_batched_faces(as_tensor(faces, "faces"), vertices)
    batch, count = len(vertices), faces.shape[1]
    lengths = check_lengths(lengths, faces.expand(batch, -1, -1), "lengths")
    index = torch.arange(batch, device=vertices.device)
    own = count if len(faces) == batch else 0  # shared faces all start at 0
    spans = torch.stack(
        (
            index * vertices.shape[1],
            torch.full_like(index, vertices.shape[1]),
            index * own,
            lengths,
        ),
        dim=1,
    )
    return MeshPack(vertices.reshape(-1, 3), faces.reshape(-1, 3), spans)


def check_mesh_index(value: TensorLike | None, meshes: int, views: Tensor) -> Tensor:
    """Checks which mesh each of N views shows; view i shows mesh i by default.

    Raises:
        TypeError: If the dtype is not an integer one.
        ValueError: If the shape or an index is wrong.
    """
    count = len(views)
    if value is None:
        if count != meshes:
            raise ValueError(
                f"mesh_index: expected the mesh of each of {count} views, since there "
                f"are {meshes} meshes, found None"
            )
        return torch.arange(count, device=views.device)
    index = as_tensor(value, "mesh_index")
    if index.is_floating_point() or index.dtype == torch.bool:
        raise TypeError(f"mesh_index: expected an integer dtype, found {index.dtype}")
    if index.shape != (count,):
        raise ValueError(
            f"mesh_index: expected shape ({count},), found {tuple(index.shape)}"
        )
    if not torch.compiler.is_compiling() and count:
        low, high = (int(v) for v in torch.aminmax(index))
        if low < 0 or high >= meshes:
            raise ValueError(
                f"mesh_index: expected 0 to {meshes - 1}, found "
                f"{low if low < 0 else high}"
            )
    return index.to(views.device).long()
