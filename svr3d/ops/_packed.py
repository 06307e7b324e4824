# SPDX-License-Identifier: Apache-2.0
"""Batches of meshes as one list of vertices and one of faces."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import TensorLike, as_tensor, check_faces, check_points

Meshes = TensorLike | Sequence[TensorLike]


class PackedMeshes(NamedTuple):
    """Meshes one after the other.

    Attributes:
        vertices: (V, 3) of all meshes.
        faces: (F, 3) int64 into ``vertices``.
        first_face: (B + 1,) int64; mesh b has the faces first_face[b] to
            first_face[b + 1].
        batched: Whether the caller gave a batch, as opposed to one mesh.
    """

    vertices: Tensor
    faces: Tensor
    first_face: Tensor
    batched: bool


def pack_meshes(vertices: Meshes, faces: Meshes) -> PackedMeshes:
    """Checks one mesh or a batch of meshes, and packs them.

    Args:
        vertices: (V, 3) of one mesh; (B, V, 3) or a list of (V_i, 3) of a batch.
        faces: (F, 3) of one mesh, or shared by a batch; (B, F, 3) or a list of
            (F_i, 3) of a batch.

    Raises:
        TypeError: If a type or dtype is wrong.
        ValueError: If a shape is wrong, a coordinate is not finite or an index is out
            of range.
    """
    lists = isinstance(vertices, list | tuple)
    if not lists:
        vertices = as_tensor(vertices, "vertices")
    if not lists and vertices.ndim != 3:
        checked = check_points(vertices, "vertices").detach()
        checked_faces = check_faces(faces, checked)
        bounds = _bounds([len(checked_faces)], checked)
        return PackedMeshes(checked, checked_faces, bounds, False)
    if not isinstance(faces, list | tuple):
        faces = as_tensor(faces, "faces")
        shared = faces.ndim != 3
        faces = [faces] * len(vertices) if shared else list(faces.unbind(0))
    if len(faces) != len(vertices):
        raise ValueError(
            f"faces: expected {len(vertices)} meshes like vertices, found {len(faces)}"
        )
    if not len(vertices):
        empty = vertices if isinstance(vertices, Tensor) else torch.empty(0, 3)
        empty = empty.detach().reshape(0, 3)
        none = torch.empty((0, 3), dtype=torch.int64, device=empty.device)
        return PackedMeshes(empty, none, _bounds([], empty), True)
    points = [check_points(part, f"vertices[{i}]") for i, part in enumerate(vertices)]
    for i, part in enumerate(points[1:], 1):
        if part.dtype != points[0].dtype or part.device != points[0].device:
            raise ValueError(
                f"vertices[{i}]: expected {points[0].dtype} on {points[0].device} like "
                f"vertices[0], found {part.dtype} on {part.device}"
            )
    packed, offset = [], 0
    for part, corners in zip(points, faces, strict=True):
        packed.append(check_faces(corners, part) + offset)
        offset += len(part)
    bounds = _bounds([len(part) for part in packed], points[0])
    return PackedMeshes(torch.cat(points).detach(), torch.cat(packed), bounds, True)


def plain_mesh(vertices: Meshes, faces: Meshes, *others: TensorLike) -> bool:
    """Whether a kernel that checks its arguments itself can take these as they are.

    The checks in Python take longer than such a kernel. It must raise RuntimeError for
    whatever :func:`pack_meshes` would refuse; ``others`` are points of the same dtype.
    """
    if torch.compiler.is_compiling() or not _library.available():
        return False
    tensors = (vertices, faces, *others)
    return (
        all(isinstance(one, Tensor) and one.is_cpu and one.ndim == 2 for one in tensors)
        and vertices.dtype in (torch.float32, torch.float64)
        and faces.dtype in (torch.int32, torch.int64)
        and all(one.dtype == vertices.dtype for one in others)
    )


def _bounds(counts: list[int], like: Tensor) -> Tensor:
    starts = np.cumsum([0, *counts]).tolist()
    return torch.tensor(starts, dtype=torch.int64, device=like.device)
