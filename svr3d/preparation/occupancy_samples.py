# SPDX-License-Identifier: Apache-2.0
"""Query points around an object and whether they lie inside."""

import numpy as np
import torch

from svr3d.io.meshes import MeshData
from svr3d.ops import points_inside


def sample_occupancy(
    mesh: MeshData, num_points: int, *, padding: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw uniform points in the padded unit cube and label them.

    Points are rounded to float16 before they are labelled, since files store them
    so: labels fit the points that a reader sees.

    Args:
        mesh: Mesh in the object frame.
        num_points: Number of points N.
        padding: Points lie in [-(1 + padding) / 2, (1 + padding) / 2]^3.
        rng: Source of the draws.

    Returns:
        Points (N, 3) float16 and labels (N,) bool.
    """
    side = 1.0 + padding
    points = ((rng.random((num_points, 3), np.float32) - 0.5) * side).astype(np.float16)
    inside = label_points(mesh, points.astype(np.float32))
    return points, inside


def label_points(mesh: MeshData, points: np.ndarray) -> np.ndarray:
    """Return for each point (N, 3) whether it lies inside the mesh (N,).

    The rule of `svr3d.ops.points_inside`; points outside the mesh's bounding box are
    outside without a query.
    """
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    near = ((points >= low) & (points <= high)).all(axis=1)
    inside = np.zeros(len(points), dtype=bool)
    if near.any():
        inside[near] = points_inside(
            torch.from_numpy(mesh.vertices),
            torch.from_numpy(mesh.faces),
            torch.from_numpy(np.ascontiguousarray(points[near])),
        ).numpy()
    return inside
