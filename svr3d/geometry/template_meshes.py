# SPDX-License-Identifier: Apache-2.0
"""Meshes that networks deform: a square of points, and a sphere of triangles."""

from functools import lru_cache
from itertools import pairwise

import numpy as np

_GOLDEN = (1 + 5**0.5) / 2
_CORNERS = (
    *((-1, _GOLDEN, 0), (1, _GOLDEN, 0), (-1, -_GOLDEN, 0), (1, -_GOLDEN, 0)),
    *((0, -1, _GOLDEN), (0, 1, _GOLDEN), (0, -1, -_GOLDEN), (0, 1, -_GOLDEN)),
    *((_GOLDEN, 0, -1), (_GOLDEN, 0, 1), (-_GOLDEN, 0, -1), (-_GOLDEN, 0, 1)),
)
_TRIANGLES = (
    *((0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11)),
    *((1, 5, 9), (5, 11, 4), (11, 10, 2), (10, 7, 6), (7, 1, 8)),
    *((3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9)),
    *((5, 4, 9), (2, 4, 11), (6, 2, 10), (8, 6, 7), (9, 8, 1)),
)


def square_mesh(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a grid of points in the unit square and its triangles.

    Args:
        side: Points g along one side, at least 2.

    Returns:
        Points (g^2, 2) float64, the first coordinate outer, and faces
        (2 (g - 1)^2, 3) int64 in the order of AtlasNet's template.

    Raises:
        ValueError: If there are fewer than 2 points along a side.
    """
    if side < 2:
        raise ValueError(f"side: expected at least 2 points, found {side}")
    axis = np.arange(side) / (side - 1)
    points = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    index = np.arange(side * side).reshape(side, side)
    upper = (index[1:, :-1], index[1:, 1:], index[:-1, :-1])
    lower = (index[:-1, 1:], index[:-1, :-1], index[1:, 1:])
    faces = [np.stack([part.ravel() for part in half], 1) for half in (upper, lower)]
    return points, np.concatenate(faces)


@lru_cache(maxsize=8)
def icosphere(
    subdivisions: int, *, project_each: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return an icosahedron whose triangles are quartered again and again.

    Args:
        subdivisions: How often each triangle becomes four.
        project_each: Whether new vertices go to the unit sphere at once, as those of
            the neural mesh renderer's spheres and of trimesh do. If not, all go there
            after the last subdivision, as those of PyMesh and AtlasNet.

    Returns:
        Vertices (10 * 4^s + 2, 3) float64 of length 1, old ones before new ones, and
        faces (20 * 4^s, 3) int64. Both are cached: do not write to them.

    Raises:
        ValueError: If the number is negative.
    """
    if subdivisions < 0:
        raise ValueError(f"subdivisions: expected at least 0, found {subdivisions}")
    vertices = [np.array(corner, np.float64) for corner in _CORNERS]
    faces = list(_TRIANGLES)
    for _ in range(subdivisions):
        faces = _quarter(vertices, faces)
        if project_each:
            vertices = [vertex / np.linalg.norm(vertex) for vertex in vertices]
    points = np.stack(vertices)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    found = points, np.array(faces, np.int64)
    for array in found:
        array.setflags(write=False)
    return found


def _quarter(
    vertices: list[np.ndarray], faces: list[tuple[int, int, int]]
) -> list[tuple[int, int, int]]:
    """Return four faces for each; the middles of edges are added to the vertices."""
    middles: dict[tuple[int, int], int] = {}
    quartered = []
    for a, b, c in faces:
        found = []
        for edge in pairwise((a, b, c, a)):
            key = min(edge), max(edge)
            if key not in middles:
                middles[key] = len(vertices)
                vertices.append((vertices[edge[0]] + vertices[edge[1]]) / 2)
            found.append(middles[key])
        ab, bc, ca = found
        quartered += [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
    return quartered
