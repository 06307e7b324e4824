# SPDX-License-Identifier: Apache-2.0
"""The published visibility-fill voxeliser in torch."""

import torch
from torch import Tensor

SCANS, CORNERS, FILL = 7, 8, 16
"""Bits of ``steps``: the scans along the three axes, the corners, the filling."""

_TESTS_AT_ONCE = 1 << 22


def voxelize_visibility_torch(
    vertices: Tensor,
    faces: Tensor,
    first_face: Tensor,
    resolution: int,
    steps: int = SCANS | CORNERS | FILL,
) -> Tensor:
    """Voxelises meshes by the rule of :func:`svr3d.ops.voxelize_meshes`.

    Args:
        vertices: (V, 3) float32 in voxels, 0 to ``resolution``.
        faces: (F, 3) int64.
        first_face: (B + 1,) int64, where each mesh's faces begin.
        resolution: Cells per axis.
        steps: Which steps to take.

    Returns:
        (B, R, R, R) uint8.
    """
    bounds = first_face.tolist()
    shape = (len(bounds) - 1,) + (resolution,) * 3
    grids = torch.zeros(shape, dtype=torch.uint8, device=vertices.device)
    for grid, begin, end in zip(grids, bounds[:-1], bounds[1:], strict=True):
        triangles = vertices[faces[begin:end]]
        for axis in range(3):
            if steps >> axis & 1:
                _scan(triangles, axis, grid)
        if steps & CORNERS:
            _mark(triangles.reshape(-1, 3).trunc(), grid)
        if steps & FILL:
            grid.copy_(_filled(grid))
    return grids


def _scan(triangles: Tensor, axis: int, grid: Tensor) -> None:
    """Marks the four cells around each lattice point that a triangle covers."""
    size = len(grid)
    order = [[2, 1, 0], [0, 2, 1], [0, 1, 2]][axis]
    line = torch.arange(size, device=grid.device, dtype=triangles.dtype)
    first, second = torch.cartesian_prod(line, line).unbind(1)
    corners = torch.tensor([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]]).to(triangles)
    step = max(1, _TESTS_AT_ONCE // size**2)
    for part in triangles[:, :, order].split(step):
        origin, (e1, e2) = part[:, 0], (part[:, 1:] - part[:, :1]).unbind(1)
        determinant = e1[:, 1] * e2[:, 0] - e2[:, 1] * e1[:, 0]
        y = first - origin[:, :1]
        x = second - origin[:, 1:2]
        t1 = (e2[:, :1] * x - e2[:, 1:2] * y) / determinant[:, None]
        t2 = (-e1[:, :1] * x + e1[:, 1:2] * y) / determinant[:, None]
        hit = (t1 >= 0) & (t2 >= 0) & (t1 + t2 <= 1) & (determinant != 0)[:, None]
        depth = (t1 * e1[:, 2:] + t2 * e2[:, 2:] + origin[:, 2:]).floor()
        face, point = hit.nonzero(as_tuple=True)
        cells = torch.stack((first[point], second[point], depth[face, point]), 1)
        cells = (cells[:, None] - corners).reshape(-1, 3)
        inverse = [order.index(k) for k in range(3)]
        _mark(cells[:, inverse], grid)


def _mark(cells: Tensor, grid: Tensor) -> None:
    cells = cells[((cells >= 0) & (cells < len(grid))).all(1)].long()
    grid[cells[:, 0], cells[:, 1], cells[:, 2]] = 1


def _filled(grid: Tensor) -> Tensor:
    """Fills what empty border cells do not reach through faces of empty cells."""
    empty = grid == 0
    outside = torch.zeros_like(empty)
    for axis in range(3):
        for end in (0, -1):
            outside.select(axis, end).logical_or_(empty.select(axis, end))
    reached = -1
    while reached != (count := int(outside.sum())):
        reached = count
        grown = outside.clone()
        for axis in range(3):
            size = grid.shape[axis] - 1
            grown.narrow(axis, 1, size).logical_or_(outside.narrow(axis, 0, size))
            grown.narrow(axis, 0, size).logical_or_(outside.narrow(axis, 1, size))
        outside = grown & empty
    return (~outside).to(grid.dtype)
