# SPDX-License-Identifier: Apache-2.0
"""Uniform points on the visible surface of a mesh, with outward normals."""

import numpy as np

from svr3d.io.meshes import MeshData
from svr3d.ops.sample_surface import sample_surface as sample_surface_op
from svr3d.preparation.inside_labels import label_points

PROBE_DISTANCE = 2e-3
MAX_ROUNDS = 8


def sample_surface(
    mesh: MeshData,
    num_points: int,
    *,
    rng: np.random.Generator,
    hidden: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw area-uniform points on the boundary of the solid that a mesh means.

    Meshes of parts hide surface inside one another, and some parts are turned
    inside out. Each drawn point is probed a little to either side: a point with
    the inside on both sides is hidden and drawn again; a normal that points inside
    is turned. With the outside on both sides (a thin sheet) the face's own normal
    stays.

    Args:
        mesh: Mesh in the object frame.
        num_points: Number of points M.
        rng: Source of the draws.
        hidden: Take all faces as they are, hidden ones too, without probes.

    Returns:
        Points (M, 3) and unit normals (M, 3), float32.
    """
    if hidden:
        points, drawn = _draw(mesh, num_points, rng)
        return points.astype(np.float32), drawn.astype(np.float32)
    kept_points, kept_normals, missing, visible_share = [], [], num_points, 1.0
    for _ in range(MAX_ROUNDS):
        count = int(missing / visible_share * 1.05) + 16
        points, drawn = _draw(mesh, count, rng)
        shown, drawn = _look(mesh, points, drawn)
        kept_points.append(points[shown])
        kept_normals.append(drawn[shown])
        missing -= int(shown.sum())
        if missing <= 0:
            break
        visible_share = max(shown.mean(), 0.05)
    else:  # nothing shows from outside, by the probe: take the surface as it is
        points, drawn = _draw(mesh, missing, rng)
        kept_points.append(points)
        kept_normals.append(drawn)
    points = np.concatenate(kept_points)[:num_points]
    drawn = np.concatenate(kept_normals)[:num_points]
    return points.astype(np.float32), drawn.astype(np.float32)


def _draw(
    mesh: MeshData, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw points (n, 3) uniform by area and their face normals (n, 3)."""
    vertices = mesh.vertices.astype(np.float64)
    seed = int(rng.integers(2**63))
    points, normals, _, _ = sample_surface_op(vertices, mesh.faces, count, seed=seed)
    return points.numpy(), normals.numpy()


def _look(
    mesh: MeshData, points: np.ndarray, normals: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tell which points show from outside, and turn normals outward."""
    step = PROBE_DISTANCE * normals
    shown = ~label_points(mesh, (points + step).astype(np.float32))
    # Only where the front is inside does the back decide: hidden, or turned in.
    doubtful = np.flatnonzero(~shown)
    back = label_points(mesh, (points[doubtful] - step[doubtful]).astype(np.float32))
    turned = doubtful[~back]
    shown[turned] = True
    normals = normals.copy()
    normals[turned] *= -1
    return shown, normals
