# SPDX-License-Identifier: Apache-2.0
"""Triangle-cell overlap in torch, by the classic separating axis test."""

import torch
from torch import Tensor

_SLACK = 1e-9  # of a cell: touching counts, in spite of rounding


def voxelize_surface_torch(vertices: Tensor, faces: Tensor, resolution: int) -> Tensor:
    """Marks every cell of the grid over [-0.5, 0.5]^3 that a triangle touches.

    Source: Akenine-Moeller, "Fast 3D triangle-box overlap testing" (2001): the three
    box axes, the normal, and the nine products of edges with box axes.

    Args:
        vertices: (V, 3) float64.
        faces: (F, 3) int64.
        resolution: Cells per axis.

    Returns:
        (R, R, R) uint8.
    """
    grid = torch.zeros((resolution,) * 3, dtype=torch.uint8, device=vertices.device)
    triangles = (vertices[faces] + 0.5) * resolution
    axes = torch.eye(3, dtype=vertices.dtype, device=vertices.device)
    for triangle in triangles:
        low = torch.ceil(triangle.amin(0) - _SLACK).long() - 1
        high = torch.floor(triangle.amax(0) + _SLACK).long() + 1
        low, high = low.clamp(0, resolution), high.clamp(0, resolution)
        if bool((low >= high).any()):
            continue
        ranges = [
            torch.arange(int(a), int(b), device=vertices.device)
            for a, b in zip(low, high, strict=True)
        ]
        cells = torch.cartesian_prod(*ranges)
        centres = cells.to(vertices) + 0.5
        edges = triangle.roll(-1, 0) - triangle
        tested = [axes, torch.linalg.cross(edges[0], edges[1])[None]]
        tested += [torch.linalg.cross(edges, axis.expand(3, 3)) for axis in axes]
        directions = torch.cat(tested)  # (13, 3)
        reach = directions.abs().sum(1) * (0.5 + _SLACK)
        corners = triangle @ directions.T  # (3, 13)
        middle = centres @ directions.T  # (n, 13)
        apart = (corners.amin(0) > middle + reach) | (corners.amax(0) < middle - reach)
        x, y, z = cells[~apart.any(1)].unbind(1)
        grid[x, y, z] = 1
    return grid
