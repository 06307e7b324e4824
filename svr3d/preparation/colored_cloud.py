# SPDX-License-Identifier: Apache-2.0
"""A few points that are spread over a surface, with the colours that they have."""

import numpy as np
import torch

from svr3d.io.mesh_data import MeshData
from svr3d.ops import farthest_points, point_mesh_distance
from svr3d.renderers.color_renderer import corner_colors

CLOUD_POINTS = 1024
_CANDIDATES = 16_384


def colored_cloud(
    mesh: MeshData, points: np.ndarray, *, count: int = CLOUD_POINTS
) -> tuple[np.ndarray, np.ndarray]:
    """Thin out surface points by farthest-point sampling and look up their colours.

    Args:
        mesh: The mesh with its colours.
        points: Points (N, 3) on its surface, in any order of chance; the first 16,384
            are looked at.
        count: Points to keep; with fewer candidates some repeat.

    Returns:
        Points (count, 3) float32 and RGB (count, 3) float64 in [0, 1].
    """
    candidates = torch.from_numpy(np.ascontiguousarray(points[:_CANDIDATES]))
    chosen = farthest_points(candidates[None], count)[0]
    kept = candidates[chosen]
    near = point_mesh_distance(kept, mesh.vertices, mesh.faces)
    faces, weights = (
        near.face_index.numpy(),
        near.barycentric.numpy().astype(np.float64),
    )
    corners = corner_colors(mesh)[faces].astype(np.float64)
    colors = (weights[..., None] * corners).sum(axis=1)[:, :3]
    for index, texture in enumerate(mesh.textures):
        painted = mesh.face_texture[faces] == index
        if painted.any():
            uv = mesh.uv[faces[painted]].astype(np.float64)
            where = (weights[painted][..., None] * uv).sum(axis=1)
            colors[painted] = look_up_texels(texture, where)
    return kept.numpy(), (colors / 255).clip(0, 1)


def look_up_texels(texture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """Return the nearest texels (N, 3); coordinates (N, 2) wrap around."""
    height, width = texture.shape[:2]
    column = ((uv[:, 0] % 1) * width).astype(int).clip(0, width - 1)
    row = ((1 - uv[:, 1] % 1) * height).astype(int).clip(0, height - 1)
    return texture[row, column, :3]
