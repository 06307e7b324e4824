# SPDX-License-Identifier: Apache-2.0
"""The pictures of the cube-sphere set: grey, one sun, plain background."""

from dataclasses import replace

import numpy as np
import torch

from svr3d.geometry.cameras import choy_intrinsics, orbit_camera
from svr3d.io.mesh_data import MeshData
from svr3d.preparation.cube_sphere.shape import to_y_up
from svr3d.renderers import ColorRenderer

# Positions of the cameras and direction to the sun, z up. All look at the origin.
CAMERAS = {
    "Front": (-2.5, 0.0, 0.0),
    "Right": (0.0, 2.5, 0.0),
    "Top": (0.0, 0.0, 2.5),
    "Isometric": (-1.5, 1.5, 1.5),
}
SUN = (3.0, 4.0, 5.0)
_GREY, _AMBIENT = 216, 0.15
_STEEP = 89.999  # straight down the camera's upper side would be undefined


def render_pictures(
    mesh: MeshData, names: tuple[str, ...], *, size: int, background: int
) -> np.ndarray:
    """Render a shape from the cameras of the set.

    Faces are lit flat by one sun that reaches around:
    ``ambient + (1 - ambient) (1 + n . s) / 2``, so that the side away from it, which
    the isometric view shows, has shades too. The published pictures are snapshots of
    Blender's viewport, which nothing but that program draws; these have its cameras,
    lens and sun.

    Args:
        mesh: The shape with z up.
        names: Which of ``CAMERAS``.
        size: Height and width in pixels.
        background: Grey level behind the shape.

    Returns:
        (N, size, size, 3) uint8 RGB.
    """
    vertices = to_y_up(mesh.vertices)
    sun = to_y_up(np.array(SUN))
    corners = vertices[mesh.faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals /= np.maximum(lengths, 1e-12)
    light = (1 + normals @ (sun / np.linalg.norm(sun))) / 2
    grey = np.rint(_GREY * (_AMBIENT + (1 - _AMBIENT) * light))
    colors = np.full((len(grey), 4), 255, np.uint8)
    colors[:, :3] = grey[:, None]
    lit = replace(mesh, vertices=vertices, face_colors=colors)
    # The light is in the colours: the renderer's own lamp stays off.
    renderer = ColorRenderer(size, size, ambient=1.0, background=(background,) * 3)
    extrinsics = torch.cat([_camera(CAMERAS[name]) for name in names])
    intrinsics = choy_intrinsics(height=size, width=size)
    images = renderer.render(lit, extrinsics, intrinsics.expand(len(names), 3, 3))
    return images[..., :3]


def _camera(position):
    """Return the extrinsics (1, 3, 4) of a camera at a place (z up) in the y-up frame.

    The lens of 35 mm on 32 mm is that of the ShapeNet renderings.
    """
    x, y, z = to_y_up(np.array(position))
    distance = np.linalg.norm(position)
    azimuth = np.degrees(np.arctan2(z, x))
    elevation = min(np.degrees(np.arcsin(y / distance)), _STEEP)
    return orbit_camera(*(torch.tensor([v]) for v in (azimuth, elevation, distance)))
