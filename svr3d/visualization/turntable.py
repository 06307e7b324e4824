# SPDX-License-Identifier: Apache-2.0
"""Views of a structure from around it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from svr3d.structures import Mesh, OccupancyField, PointCloud, Structure, Voxels

from .cameras import orbit_cameras
from .cloud_pictures import cloud_views
from .picture_grid import save_animation
from .shading import CLAY, render_mesh

FIRST_AZIMUTH = 300.0
"""Azimuth of the first view, degrees: from the front right in ShapeNet's frame."""


def turntable(
    structure: Structure,
    num_views: int = 8,
    *,
    size: int = 256,
    elevation: float = 25.0,
    first_azimuth: float = FIRST_AZIMUTH,
    threshold: float | None = None,
    mode: str = "smooth",
    color: tuple[float, float, float] = CLAY,
    radius: float | None = None,
) -> np.ndarray:
    """Render one sample from equally spaced azimuths; point clouds as balls.

    Args:
        structure: A batch of one sample.
        num_views: Number of views, N.
        size: Side of a picture in pixels.
        elevation: Of the cameras, degrees.
        first_azimuth: Of the first camera, degrees.
        threshold: Level of the surface; None takes the structure's own.
        mode: ``smooth``, or ``cubes`` to draw voxels as boxes.
        color: Of the surface, RGB in [0, 1].
        radius: A ball of this radius about the origin fills the picture; None fits the
            object. Give one value to compare sizes across pictures.

    Returns:
        Pictures (N, size, size, 3) uint8 on white; plain white where the sample is
        empty.
    """
    if len(structure) != 1:
        raise ValueError(f"expected one sample, found {len(structure)}: index it first")
    structure = structure.cpu()
    azimuths = [first_azimuth + 360 * i / num_views for i in range(num_views)]
    if isinstance(structure, PointCloud):
        return cloud_views(
            structure,
            azimuths,
            size=size,
            elevation=elevation,
            color=color,
            radius=radius,
        )
    mesh = picture_mesh(structure, threshold=threshold, mode=mode)
    boxes = mode == "cubes" and isinstance(structure, Voxels)
    if radius is None:
        radius = framing_radius(mesh)
    cameras = orbit_cameras(azimuths, elevation=elevation, radius=radius, size=size)
    cells = structure.resolution if boxes else None
    if cells is not None and size < 7 * cells:
        cells = None  # Lines closer than about five pixels only make the picture dark.
    return render_mesh(mesh, *cameras, size=size, color=color, flat=boxes, cells=cells)


def picture_mesh(
    structure: Structure,
    *,
    threshold: float | None = None,
    mode: str = "smooth",
) -> Mesh:
    """Return the surface of one sample as it is drawn: voxels get darker hollows."""
    if isinstance(structure, Voxels):
        mesh = structure.to_mesh(threshold, mode=mode)
        mesh.colors = [_hollows(structure.binary(threshold)[0], mesh.vertices[0])]
        return mesh
    if isinstance(structure, OccupancyField):
        return structure.to_mesh(threshold)
    return structure.to_mesh()


def framing_radius(*meshes: Mesh, margin: float = 1.04) -> float:
    """Return the radius about the origin that holds all meshes of one sample each."""
    radii = [
        float(mesh.vertices[0].detach().norm(dim=1).max())
        for mesh in meshes
        if len(mesh.vertices[0])
    ]
    return min(max([margin * radius for radius in radii], default=0.75), 2.0)


def common_radius(shapes: Sequence[Structure], *, margin: float = 1.04) -> float | None:
    """Return the radius about the origin that holds shapes of one sample each.

    Args:
        shapes: Of any representation.
        margin: Room around them.

    Returns:
        The radius; None where no shape has a point.
    """
    radii = []
    for shape in shapes:
        clouds = isinstance(shape, PointCloud)
        points = shape.points[0] if clouds else picture_mesh(shape).vertices[0]
        if len(points):
            radii.append(margin * float(points.detach().norm(dim=1).max()))
    return max(radii, default=None)


def save_turntable(
    structure: Structure,
    path: str | Path,
    *,
    num_views: int = 36,
    size: int = 256,
    threshold: float | None = None,
    color: tuple[float, float, float] = CLAY,
    duration: float = 4.0,
) -> Path:
    """Write a turning object as an animated ``.gif`` or ``.webp``.

    Args:
        structure: A batch of one sample.
        path: File to write.
        num_views: Frames of one turn.
        size: Side of a frame in pixels.
        threshold: Level of the surface; None takes the structure's own.
        color: Of the surface, RGB in [0, 1].
        duration: Seconds of one turn.
    """
    frames = turntable(
        structure, num_views, size=size, threshold=threshold, color=color
    )
    return save_animation(frames, path, duration=duration)


def _hollows(solid: torch.Tensor, vertices: torch.Tensor) -> torch.Tensor:
    """Brightness (V, 3) of vertices: less where much solid is around them.

    A plane has half of its surroundings solid, an edge less, a hollow more.
    """
    blurred = solid.float()[None, None]
    for _ in range(2):
        blurred = torch.nn.functional.avg_pool3d(
            torch.nn.functional.pad(blurred, (1,) * 6), 3, stride=1
        )
    # grid_sample takes coordinates in [-1, 1] with x last in memory.
    where = (2 * vertices).flip(1)[None, :, None, None]
    around = torch.nn.functional.grid_sample(
        blurred, where, mode="bilinear", padding_mode="border", align_corners=False
    )
    brightness = (1 - 1.1 * (around.view(-1) - 0.5)).clamp(0.5, 1.1)
    return brightness[:, None].expand(-1, 3)
