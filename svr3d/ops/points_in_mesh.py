# SPDX-License-Identifier: Apache-2.0
"""Which points lie inside a mesh, by the parity of crossings."""

import functools
from typing import Literal

import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import TensorLike, check_faces, check_points, check_size
from svr3d.ops._each_mesh import ask_each_mesh, is_batch
from svr3d.ops._packed import plain_mesh
from svr3d.ops._torch.points_in_mesh import (
    points_in_mesh_hash_torch,
    points_in_mesh_parity_torch,
)

_RULES = ("parity", "hash")


def points_in_mesh(
    vertices: TensorLike,
    faces: TensorLike,
    points: TensorLike,
    *,
    rule: Literal["parity", "hash"] = "parity",
    resolution: int = 512,
    lengths: TensorLike | None = None,
) -> Tensor:
    """Decides which points are inside a watertight mesh.

    ``parity`` counts the faces that the line from a point towards +z crosses: inside
    means an odd number. Edges are half-open and computed alike from both of their
    faces, so that no line slips between two faces or counts an edge twice; it is exact
    for watertight meshes, in the precision of the arguments.

    ``hash`` is the published rule of Mescheder et al., "Occupancy Networks" (2019), bit
    for bit: the mesh's bounding box is stretched to a hash of square columns along z; a
    triangle counts if its column holds the point and its projection strictly contains
    it; the point is inside if the triangles above and those below are both odd in
    number. It differs from ``parity`` where a line along z runs exactly through an edge
    or a corner, which it misses, so that single points of regular grids go wrong; and
    for open meshes, where it asks both directions to agree.

    Both empty the overlap of two parts; see :func:`svr3d.ops.points_inside` for open,
    overlapping and inverted parts.

    Args:
        vertices: (V, 3) positions, or (B, V, 3) of a batch of meshes.
        faces: (F, 3) vertex indices, or (B, F, 3).
        points: (P, 3) query points in the same frame, or (B, P, 3).
        rule: How to decide.
        resolution: Cells of the hash along an axis, 2 to 32768; other rules ignore it.
        lengths: (B,) numbers of valid faces of each mesh of a batch; None for all.

    Returns:
        (P,) bool, or (B, P).

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If an argument's shape, range or content is wrong.
    """
    if rule not in _RULES:
        raise ValueError(f"rule: expected one of {', '.join(_RULES)}, found {rule!r}")
    plain = lengths is None and plain_mesh(vertices, faces, points)
    if rule == "parity" and plain:
        try:
            op = torch.ops.svr3d.points_in_mesh_parity
            return op(vertices.detach(), faces, points.detach())
        except RuntimeError:
            pass  # the checks that follow say what is wrong, argument by argument
    if is_batch(vertices, lengths):
        ask = functools.partial(points_in_mesh, rule=rule, resolution=resolution)
        return ask_each_mesh(ask, vertices, faces, points, lengths, torch.bool)
    vertices = check_points(vertices, "vertices").detach()
    faces = check_faces(faces, vertices)
    points = check_points(points, "points").detach()
    resolution = check_size(resolution, "resolution", low=2, high=32768)
    if rule == "parity":
        return _parity(vertices, faces, points)
    arguments = (vertices.double(), faces, points.double(), resolution)
    if _library.has_kernel("points_in_mesh_hash", points):
        return torch.ops.svr3d.points_in_mesh_hash(*arguments)
    return points_in_mesh_hash_torch(*arguments)


def _parity(vertices: Tensor, faces: Tensor, points: Tensor) -> Tensor:
    wide = torch.float64 in (vertices.dtype, points.dtype)
    dtype = torch.float64 if wide else torch.float32
    arguments = (vertices.to(dtype), faces, points.to(dtype))
    if _library.has_kernel("points_in_mesh_parity", points):
        return torch.ops.svr3d.points_in_mesh_parity(*arguments)
    return points_in_mesh_parity_torch(*arguments)


def _fake_parity(vertices: Tensor, faces: Tensor, points: Tensor) -> Tensor:
    return points.new_empty(points.shape[0], dtype=torch.bool)


def _fake(vertices: Tensor, faces: Tensor, points: Tensor, resolution: int) -> Tensor:
    return points.new_empty(points.shape[0], dtype=torch.bool)


if _library.load():
    torch.library.register_fake("svr3d::points_in_mesh_hash", _fake)
    torch.library.register_fake("svr3d::points_in_mesh_parity", _fake_parity)
