# SPDX-License-Identifier: Apache-2.0
"""Batches for ops whose kernels ask one mesh about one set of points."""

from collections.abc import Callable

import torch
from torch import Tensor

from svr3d.ops._arguments import (
    TensorLike,
    as_tensor,
    check_batched_faces,
    check_clouds,
    check_lengths,
)

Ask = Callable[[Tensor, Tensor, Tensor], Tensor]


def is_batch(vertices: TensorLike, lengths: TensorLike | None) -> bool:
    """Tells whether the arguments are a batch, by the vertices' dimensions.

    Raises:
        ValueError: If lengths are given for a single mesh.
    """
    if as_tensor(vertices, "vertices").ndim == 3:
        return True
    if lengths is not None:
        raise ValueError(
            "lengths: expected None for a single mesh, whose vertices are (V, 3)"
        )
    return False


def ask_each_mesh(
    ask: Ask,
    vertices: TensorLike,
    faces: TensorLike,
    points: TensorLike,
    lengths: TensorLike | None,
    dtype: torch.dtype | None,
) -> Tensor:
    """Asks every mesh of a batch about its own points; each call uses all threads.

    Args:
        ask: Takes vertices (V, 3), faces (F_b, 3) and points (P, 3), returns (P,).
        vertices: (B, V, 3).
        faces: (F, 3) for all meshes, or (B, F, 3).
        points: (B, P, 3).
        lengths: (B,) numbers of valid faces; None for all.
        dtype: Of the answers, for empty batches; None for that of the points.

    Returns:
        (B, P).

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If an argument's shape, range or content is wrong.
    """
    vertices = check_clouds(vertices, "vertices")
    faces = check_batched_faces(faces, vertices).expand(len(vertices), -1, -1)
    points = check_clouds(points, "points")
    if len(points) != len(vertices):
        raise ValueError(
            f"points: expected shape ({len(vertices)}, P, 3), found "
            f"{tuple(points.shape)}"
        )
    valid = check_lengths(lengths, faces, "lengths")
    answers = [
        ask(mesh, own[:count], cloud)
        for mesh, own, count, cloud in zip(
            vertices, faces, valid.tolist(), points, strict=True
        )
    ]
    if answers:
        return torch.stack(answers)
    return points.new_empty(points.shape[:2], dtype=dtype or points.dtype)
