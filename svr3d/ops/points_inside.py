# SPDX-License-Identifier: Apache-2.0
"""Which points lie inside a real, not watertight, mesh."""

import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import TensorLike, check_faces, check_points
from svr3d.ops._each_mesh import ask_each_mesh, is_batch
from svr3d.ops._torch.points_inside import points_inside_torch


def points_inside(
    vertices: TensorLike,
    faces: TensorLike,
    points: TensorLike,
    *,
    lengths: TensorLike | None = None,
) -> Tensor:
    """Decides which points are inside a mesh made of open, overlapping parts.

    The rule, in order:

    1. Equal positions are merged; faces without area and repeated faces are dropped.
    2. Faces that share an edge with exactly one other face form a part with it.
    3. Each part's faces are turned to agree with one another, and the part outward:
       its signed volume is positive. An open, nearly flat part, whose volume says
       nothing, keeps the side that most of its area had.
    4. A point is inside if some part's winding number exceeds 1/2 there, or the sum
       of all parts' does.

    So overlapping parts do not cancel, inverted parts count like the others, a
    missing bottom does not empty a house, and walls modelled as separate sheets
    enclose a room. A cavity modelled as an inner closed part is filled. A part is
    only asked about points in its own bounding box: outside of it, its winding
    number exceeds 1/2 only if it winds around itself several times.

    Points on the surface may go either way. Source of the winding number: Barill et
    al., "Fast winding numbers for soups and clouds" (2018).

    Args:
        vertices: (V, 3) positions, or (B, V, 3) of a batch of meshes.
        faces: (F, 3) vertex indices, or (B, F, 3).
        points: (P, 3) query points in the same frame, or (B, P, 3).
        lengths: (B,) numbers of valid faces of each mesh of a batch; None for all.

    Returns:
        (P,) bool, or (B, P).

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If an argument's shape, range or content is wrong.
    """
    if is_batch(vertices, lengths):
        return ask_each_mesh(
            points_inside, vertices, faces, points, lengths, torch.bool
        )
    vertices = check_points(vertices, "vertices")
    faces = check_faces(faces, vertices)
    points = check_points(points, "points")
    arguments = (vertices.detach().double(), faces, points.detach().double())
    if vertices.is_cpu and _library.available():
        return torch.ops.svr3d.points_inside(*arguments)
    return points_inside_torch(*arguments)


def _fake(vertices: Tensor, faces: Tensor, points: Tensor) -> Tensor:
    torch._check(points.ndim == 2 and points.shape[1] == 3)
    return points.new_empty(points.shape[0], dtype=torch.bool)


if _library.load():
    torch.library.register_fake("svr3d::points_inside", _fake)
