# SPDX-License-Identifier: Apache-2.0
"""The shapes of the cube-sphere set: a ball that is drawn to the corners of a cube."""

import numpy as np

from svr3d.io.mesh_data import MeshData

CUBE_HALF_SIDE = 0.5
SPHERE_RADIUS = 0.86
SEGMENTS, RINGS = 64, 32


def interpolated_mesh(
    value: float,
    *,
    cube_half_side: float = CUBE_HALF_SIDE,
    sphere_radius: float = SPHERE_RADIUS,
    segments: int = SEGMENTS,
    rings: int = RINGS,
) -> MeshData:
    """Return the shape between a sphere and a cube.

    Each vertex of a sphere moves by the share ``value`` of the way to the nearest
    corner of the cube, the corner of its octant. The surface is the rounded box around
    a cube of half side ``a = value * cube_half_side`` with edges of radius
    ``b = (1 - value) * sphere_radius``: its area is 24 a^2 + 12 pi a b + 4 pi b^2 and
    its volume 8 a^3 + 24 a^2 b + 6 pi a b^2 + 4/3 pi b^3. Source:
    YefanZhou/dispersion-score ``dataset/synthetic_data``, a shrink-wrap modifier of
    Blender.

    Vertices on a coordinate plane have two or more nearest corners, and Blender's
    choice follows its rounding; here they move to the positive side. The surface does
    not depend on it.

    Args:
        value: 0 for the sphere, 1 for the cube.
        cube_half_side: Half of the cube's side.
        sphere_radius: Radius of the sphere.
        segments: Columns of the sphere's faces.
        rings: Rows of the sphere's faces, counted from pole to pole.

    Returns:
        A closed mesh with z up, turned outward: the sphere's quadrangles as two
        triangles each, triangles at the poles.

    Raises:
        ValueError: If ``value`` is not in [0, 1].
    """
    if not 0 <= value <= 1:
        raise ValueError(f"value: expected 0 to 1, found {value}")
    sphere, faces = uv_sphere(segments, rings)
    corners = np.where(sphere >= -1e-9, cube_half_side, -cube_half_side)
    vertices = (1 - value) * sphere_radius * sphere + value * corners
    return MeshData(vertices, faces)


def uv_sphere(segments: int, rings: int) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (V, 3) float64 and triangles (F, 3) of the unit sphere.

    The poles are on the z axis; ``segments * (rings - 1) + 2`` vertices, rows from the
    north pole down, then the two poles.
    """
    polar = np.pi * np.arange(1, rings)[:, None] / rings
    around = 2 * np.pi * np.arange(segments) / segments
    rows = np.stack(
        [
            np.sin(polar) * np.cos(around),
            np.sin(polar) * np.sin(around),
            np.broadcast_to(np.cos(polar), (rings - 1, segments)),
        ],
        axis=-1,
    )
    poles = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]])
    vertices = np.concatenate([rows.reshape(-1, 3), poles])
    index = np.arange((rings - 1) * segments).reshape(rings - 1, segments)
    right = np.roll(index, -1, axis=1)
    north, south = np.full(segments, len(vertices) - 2), len(vertices) - 1
    upper, lower = (index[:-1], right[:-1]), (index[1:], right[1:])
    faces = [
        np.stack([north, index[0], right[0]], -1),
        np.stack([upper[0], lower[0], lower[1]], -1).reshape(-1, 3),
        np.stack([upper[0], lower[1], upper[1]], -1).reshape(-1, 3),
        np.stack([np.full(segments, south), right[-1], index[-1]], -1),
    ]
    return vertices, np.concatenate(faces)


def to_y_up(points: np.ndarray) -> np.ndarray:
    """Turn points (..., 3) with z up into those of an export with y up."""
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([x, z, -y], axis=-1)
