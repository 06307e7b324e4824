# SPDX-License-Identifier: Apache-2.0
"""Query points around an object and whether they lie inside."""

import numpy as np

from svr3d.io.meshes import MeshData
from svr3d.preparation.inside_labels import label_points
from svr3d.preparation.surface_samples import sample_surface


def sample_occupancy(
    mesh: MeshData,
    num_points: int,
    *,
    padding: float,
    rng: np.random.Generator,
    uniform_ratio: float = 1.0,
    sigma: float = 0.01,
    half: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw points in the padded unit cube and near the surface, and label them.

    Points are rounded to what files store before they are labelled: labels fit the
    points that a reader sees. Source of the options: ``scripts/sample_mesh.py`` of
    autonomousvision/occupancy_networks, which labels before it rounds.

    Args:
        mesh: Mesh in the object frame.
        num_points: Number of points N.
        padding: Uniform points lie in [-(1 + padding) / 2, (1 + padding) / 2]^3.
        rng: Source of the draws.
        uniform_ratio: Share of the points that is uniform in the cube; they come first.
            The others are points of the visible surface, moved by normal noise.
        sigma: Standard deviation of that noise along each axis.
        half: Whether files hold float16, else float32.

    Returns:
        Points (N, 3) float16 or float32 and labels (N,) bool.
    """
    num_uniform = int(num_points * uniform_ratio)
    points = spread_uniform(rng.random((num_uniform, 3), np.float32), padding)
    if num_uniform < num_points:
        near, _ = sample_surface(mesh, num_points - num_uniform, rng=rng)
        noise = sigma * rng.standard_normal(near.shape, np.float32)
        points = np.concatenate([points, near + noise])
    points = points.astype(np.float16 if half else np.float32)
    return points, label_points(mesh, points.astype(np.float32))


def spread_uniform(draws: np.ndarray, padding: float) -> np.ndarray:
    """Return uniform numbers (N, 3) of [0, 1) as points of the padded unit cube."""
    return (draws - 0.5) * (1.0 + padding)
