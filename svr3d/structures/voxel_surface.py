# SPDX-License-Identifier: Apache-2.0
"""Surfaces of voxel grids: marching cubes between centres, or exposed cell sides."""

import numpy as np

# Corners of a side seen from outside, counter-clockwise, for each axis and direction;
# offsets in cells from the cell's low corner.
_SIDES = {
    (0, -1): [(0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0)],
    (0, 1): [(1, 0, 0), (1, 1, 0), (1, 1, 1), (1, 0, 1)],
    (1, -1): [(0, 0, 0), (1, 0, 0), (1, 0, 1), (0, 0, 1)],
    (1, 1): [(0, 1, 0), (0, 1, 1), (1, 1, 1), (1, 1, 0)],
    (2, -1): [(0, 0, 0), (0, 1, 0), (1, 1, 0), (1, 0, 0)],
    (2, 1): [(0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)],
}


def _empty() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int64)


def smooth_surface(grid: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Run marching cubes between the centres of a grid's cells.

    The grid is padded with zeros, so the surface is closed even where solid cells touch
    the border; there it may lie up to half a cell outside the object frame. The centre
    of a cell lies inside the surface exactly if its value reaches the threshold.

    Args:
        grid: Occupancy (R, R, R), index order ``[x, y, z]``.
        threshold: Level of the surface, in (0, 1).

    Returns:
        Vertices (V, 3) float32 in the object frame and outward faces (F, 3) int64; both
        empty where nothing reaches the threshold.

    Raises:
        ValueError: The threshold is outside (0, 1).
    """
    if not 0 < threshold < 1:
        raise ValueError(f"threshold must lie between 0 and 1, found {threshold}")
    if not (grid >= np.float32(threshold)).any():
        return _empty()
    from skimage.measure import marching_cubes

    padded = np.pad(np.asarray(grid, np.float32), 1)
    # Cells exactly at the level are solid; they would give degenerate triangles.
    level = np.float32(threshold)
    padded[padded == level] = np.nextafter(level, np.float32(1))
    vertices, faces, _, _ = marching_cubes(
        padded, level=threshold, gradient_direction="ascent"
    )
    # Index 1 of the padded grid is cell 0, whose centre is 0.5 / R - 0.5.
    vertices = (vertices - 0.5) / grid.shape[0] - 0.5
    return vertices.astype(np.float32), faces.astype(np.int64)


def cubes_surface(grid: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw solid cells as boxes, keeping only sides between solid and empty.

    Args:
        grid: Occupancy (R, R, R), index order ``[x, y, z]``.
        threshold: Cells that reach it are solid.

    Returns:
        Vertices (V, 3) float32 in the object frame, shared between sides, and outward
        faces (F, 3) int64, two for each exposed side.
    """
    solid = np.pad(grid >= np.float32(threshold), 1)
    if not solid.any():
        return _empty()
    corners = []
    for (axis, direction), offsets in _SIDES.items():
        neighbour = np.roll(solid, -direction, axis)
        cells = np.argwhere(solid & ~neighbour) - 1
        corners.append(cells[:, None] + np.array(offsets))
    sides = np.concatenate(corners)
    unique, index = np.unique(sides.reshape(-1, 3), axis=0, return_inverse=True)
    quads = index.reshape(-1, 4)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    vertices = unique / grid.shape[0] - 0.5
    return vertices.astype(np.float32), faces.astype(np.int64)


def inflated_surface(
    grid: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Run marching cubes at level 0 of solid cells, as lmb-freiburg/what3d does.

    The surface then touches the centres of the empty cells around the solid ones; the
    grid, with an empty cell on each side, is squeezed into the object frame.

    Args:
        grid: Occupancy (R, R, R), index order ``[x, y, z]``.
        threshold: Cells that reach it are solid.

    Returns:
        Vertices (V, 3) float32 and outward faces (F, 3) int64.
    """
    import torch

    from svr3d.ops.marching_cubes import marching_cubes

    solid = np.pad(grid >= np.float32(threshold), 1).astype(np.float32)
    (vertices,), (faces,) = marching_cubes(torch.from_numpy(solid)[None], 0.0)
    return (vertices / (len(grid) + 1) - 0.5).numpy(), faces.numpy()
