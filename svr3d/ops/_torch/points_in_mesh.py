# SPDX-License-Identifier: Apache-2.0
"""Points in meshes, by parity and by the published hash rule, in torch."""

import torch
from torch import Tensor

_TESTS_AT_ONCE = 1 << 22


def points_in_mesh_parity_torch(
    vertices: Tensor, faces: Tensor, points: Tensor
) -> Tensor:
    """Applies the parity rule of :func:`svr3d.ops.points_in_mesh`.

    Args:
        vertices: (V, 3), float32 or float64.
        faces: (F, 3) vertex indices.
        points: (P, 3) in the dtype of ``vertices``.

    Returns:
        (P,) bool.
    """
    inside = torch.zeros(len(points), dtype=torch.bool, device=points.device)
    if not len(faces) or not len(points):
        return inside
    low, high = vertices.amin(0), vertices.amax(0)
    triangles = (vertices - low)[faces.long()]
    step = max(1, _TESTS_AT_ONCE // len(faces))
    for begin in range(0, len(points), step):
        part = points[begin : begin + step]
        within = ((part >= low) & (part <= high)).all(1)
        crossed = _crossed_above(triangles, part - low).sum(1) % 2 == 1
        inside[begin : begin + step] = within & crossed
    return inside


def _crossed_above(triangles: Tensor, points: Tensor) -> Tensor:
    """(P, F) whether lines towards +z cross triangles, with half-open edges."""
    x, y, z = (axis[:, None] for axis in points.unbind(1))
    odd = torch.zeros((), dtype=torch.bool, device=points.device)
    for p, q in ((0, 1), (1, 2), (2, 0)):
        p, q = triangles[:, p], triangles[:, q]
        swap = ~(p[:, 1] < q[:, 1])[:, None]
        lower, upper = torch.where(swap, q, p), torch.where(swap, p, q)
        height = upper[:, 1] - lower[:, 1]
        slope = (upper[:, 0] - lower[:, 0]) / height
        edge = lower[:, 0] + (y - lower[:, 1]) * slope
        odd = odd ^ ((lower[:, 1] <= y) & (y < upper[:, 1]) & (x < edge))
    a, b, c = triangles.unbind(1)
    normal = torch.linalg.cross(b - a, c - a)
    flat = normal[:, 2] == 0
    slopes = torch.where(flat[:, None], 0, -normal[:, :2] / normal[:, 2:])
    height = a[:, 2] + slopes[:, 0] * (x - a[:, 0]) + slopes[:, 1] * (y - a[:, 1])
    height = torch.maximum(height, triangles[..., 2].amin(1))
    return odd & (z < torch.minimum(height, triangles[..., 2].amax(1)))


def points_in_mesh_hash_torch(
    vertices: Tensor, faces: Tensor, points: Tensor, resolution: int
) -> Tensor:
    """Applies the hash rule of :func:`svr3d.ops.points_in_mesh`.

    Args:
        vertices: (V, 3) float64.
        faces: (F, 3) int64.
        points: (P, 3) float64.
        resolution: Cells of the hash along an axis.

    Returns:
        (P,) bool.
    """
    inside = torch.zeros(len(points), dtype=torch.bool, device=points.device)
    if not len(faces) or not len(points):
        return inside
    triangles = vertices[faces]
    low, high = triangles.amin((0, 1)), triangles.amax((0, 1))
    scale = (resolution - 1) / (high - low)
    shift = 0.5 - scale * low
    if not bool((torch.isfinite(scale) & torch.isfinite(shift)).all()):
        return inside
    triangles = scale * triangles + shift
    first = _cells(triangles[..., :2].amin(1), resolution)
    last = _cells(triangles[..., :2].amax(1), resolution)
    step = max(1, _TESTS_AT_ONCE // len(faces))
    for begin in range(0, len(points), step):
        part = scale * points[begin : begin + step] + shift
        within = ((part >= 0) & (part <= resolution)).all(1)
        cell = part[:, None, :2].trunc()
        known = ((cell >= first) & (cell <= last)).all(2) & within[:, None]
        known &= _strictly_within(triangles, part)
        above, below = _sides(triangles, part)
        above, below = ((known & side).sum(1) for side in (above, below))
        inside[begin : begin + step] = (above % 2 == 1) & (below % 2 == 1)
    return inside


def _cells(values: Tensor, resolution: int) -> Tensor:
    return values.clamp(0, resolution - 1).trunc()


def _strictly_within(triangles: Tensor, points: Tensor) -> Tensor:
    """(P, F) whether the projections along z contain the points."""
    a, b, c = triangles[..., :2].unbind(1)
    (ax, ay), (bx, by) = (a - c).unbind(1), (b - c).unbind(1)
    determinant = ax * by - bx * ay
    sign, size = determinant.sign(), determinant.abs()
    px, py = (points[:, None, :2] - c).unbind(2)
    u = (by * px - bx * py) * sign
    v = (ax * py - ay * px) * sign
    inner = [(value > 0) & (value < size) for value in (u, v, u + v)]
    return inner[0] & inner[1] & inner[2]


def _sides(triangles: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """(P, F) whether the planes lie above or at, and below, the points."""
    a, b, c = triangles.unbind(1)
    normal = torch.linalg.cross(c - a, b - a)
    size = normal[:, 2].abs()
    offset = a - points[:, None]
    slope = normal[:, 0] * offset[..., 0] + normal[:, 1] * offset[..., 1]
    depth = a[:, 2] * size + normal[:, 2].sign() * slope
    own = points[:, None, 2] * size
    return depth >= own, depth < own
