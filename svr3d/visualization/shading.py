# SPDX-License-Identifier: Apache-2.0
"""Shaded pictures of one mesh on a plain background."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from svr3d.ops.rasterize_meshes import rasterize_meshes
from svr3d.structures import Mesh

CLAY = (0.80, 0.79, 0.77)
BLUE = (0.56, 0.70, 0.87)
WHITE = (1.0, 1.0, 1.0)

# In camera axes (x right, y down, z forward), pointing from the surface to the light.
_KEY_LIGHT = (-0.45, -0.75, -0.48)
_HEAD_LIGHT = (0.0, 0.0, -1.0)
_AMBIENT, _KEY, _HEAD = 0.42, 0.44, 0.24


@torch.no_grad()
def render_mesh(
    mesh: Mesh,
    extrinsics: torch.Tensor,
    intrinsics: torch.Tensor,
    *,
    size: int = 256,
    color: tuple[float, float, float] = CLAY,
    background: tuple[float, float, float] = WHITE,
    flat: bool = False,
    cells: int | None = None,
    samples: int = 2,
) -> np.ndarray:
    """Render views of one mesh with a key light and a headlight.

    Args:
        mesh: One sample; vertex colours, where it has them, multiply ``color``.
        extrinsics: Object to camera (N, 3, 4), OpenCV axes.
        intrinsics: In pixels of the picture (N, 3, 3).
        size: Side of the square picture in pixels.
        color: Of the surface, RGB in [0, 1].
        background: RGB in [0, 1].
        flat: Light each face by its own normal instead of interpolated ones.
        cells: Draw the lines of a grid of this resolution; for voxels drawn as boxes.
        samples: Samples along each side of a pixel, for smooth edges.

    Returns:
        Pictures (N, size, size, 3) uint8.
    """
    mesh = mesh.cpu()
    scale = torch.tensor([samples, samples, 1.0])[:, None]
    normals = None if flat else mesh.vertex_normals()[0].float()
    pictures = []
    # One view at a time stays in the processor's cache.
    for view, camera in zip(extrinsics, intrinsics * scale, strict=True):
        image = torch.tensor(background).repeat(size * samples, size * samples, 1)
        if len(mesh.faces[0]):
            hit, surface = _surface(mesh, normals, view, camera, len(image), cells)
            image[hit] = (surface * torch.tensor(color)).clamp(0, 1)
        image = image.view(size, samples, size, samples, 3).mean(dim=(1, 3))
        pictures.append((image * 255).round().to(torch.uint8))
    return torch.stack(pictures).numpy()


def _surface(
    mesh: Mesh,
    vertex_normals: torch.Tensor | None,
    extrinsics: torch.Tensor,
    intrinsics: torch.Tensor,
    size: int,
    cells: int | None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the samples (H, W) that show the mesh, and their colours (P, 3)."""
    vertices, faces = mesh.vertices[0].float(), mesh.faces[0]
    fragments = rasterize_meshes(
        vertices, faces, extrinsics[None], intrinsics[None], height=size, width=size
    )
    hit = fragments.face_index[0] >= 0
    index = fragments.face_index[0][hit]
    weights = fragments.barycentric[0][hit][:, :, None]
    corners = faces[index]
    if vertex_normals is None:
        a, b, c = vertices[faces].unbind(1)
        normals = F.normalize(torch.linalg.cross(b - a, c - a), dim=1)[index]
    else:
        normals = F.normalize((vertex_normals[corners] * weights).sum(1), dim=1)
    colors = _light(normals, extrinsics[:, :3])[:, None].expand(-1, 3)
    if mesh.colors is not None:
        colors = colors * (mesh.colors[0][corners] * weights).sum(1)
    if cells is not None:
        positions = (vertices[corners] * weights).sum(1)
        colors = colors * _cell_lines(positions, normals, cells)[:, None]
    return hit, colors


def _light(normals: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
    # The lights go with the camera; they are turned instead of all normals.
    key = F.normalize(torch.tensor(_KEY_LIGHT), dim=0) @ rotation
    head = torch.tensor(_HEAD_LIGHT) @ rotation
    facing = normals @ head
    # Both sides of a face are lit: real meshes do not all look outward.
    towards_key = (normals @ key) * torch.where(facing < 0, -1.0, 1.0)
    return _AMBIENT + _KEY * towards_key.clamp_min(0) + _HEAD * facing.abs()


def _cell_lines(
    positions: torch.Tensor, normals: torch.Tensor, cells: int
) -> torch.Tensor:
    place = (positions + 0.5) * cells
    distance = (place - place.round()).abs()
    # Along the normal of an axis-aligned side every point lies on a cell border.
    distance.scatter_(1, normals.abs().argmax(1, keepdim=True), 1.0)
    edge = distance.amin(1)
    return 0.80 + 0.20 * ((edge - 0.02) / 0.05).clamp(0, 1)
