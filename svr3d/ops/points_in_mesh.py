# SPDX-License-Identifier: Apache-2.0
"""Which points lie inside a mesh, by the parity of crossings."""

from typing import Literal

import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import TensorLike, check_faces, check_points, check_size
from svr3d.ops._torch.points_in_mesh import points_in_mesh_hash_torch

_RULES = ("hash",)


def points_in_mesh(
    vertices: TensorLike,
    faces: TensorLike,
    points: TensorLike,
    *,
    rule: Literal["hash"] = "hash",
    resolution: int = 512,
) -> Tensor:
    """Decides which points are inside a watertight mesh.

    ``hash`` is the published rule of Mescheder et al., "Occupancy Networks" (2019), bit
    for bit: the mesh's bounding box is stretched to a hash of square columns along z; a
    triangle counts if its column holds the point and its projection strictly contains
    it; the point is inside if the triangles above and those below are both odd in
    number. A line along z exactly through an edge or a corner misses it, so that single
    points of regular grids go wrong.

    Args:
        vertices: (V, 3) positions.
        faces: (F, 3) vertex indices.
        points: (P, 3) query points, in the same frame.
        rule: How to decide.
        resolution: Cells of the hash along an axis, 2 to 32768; other rules ignore it.

    Returns:
        (P,) bool.

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If an argument's shape, range or content is wrong.
    """
    if rule not in _RULES:
        raise ValueError(f"rule: expected one of {', '.join(_RULES)}, found {rule!r}")
    vertices = check_points(vertices, "vertices").detach()
    faces = check_faces(faces, vertices)
    points = check_points(points, "points").detach()
    resolution = check_size(resolution, "resolution", low=2, high=32768)
    arguments = (vertices.double(), faces, points.double(), resolution)
    if _library.has_kernel("points_in_mesh_hash", points):
        return torch.ops.svr3d.points_in_mesh_hash(*arguments)
    return points_in_mesh_hash_torch(*arguments)


def _fake(vertices: Tensor, faces: Tensor, points: Tensor, resolution: int) -> Tensor:
    return points.new_empty(points.shape[0], dtype=torch.bool)


if _library.load():
    torch.library.register_fake("svr3d::points_in_mesh_hash", _fake)
