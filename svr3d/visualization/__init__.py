# SPDX-License-Identifier: Apache-2.0
"""Pictures and reports."""

from .balls import draw_balls, draw_two_clouds
from .cameras import orbit_cameras
from .cloud_pictures import cloud_views, draw_cameras
from .comparison import comparison_grid, voxel_iou
from .curves import plot_curves, read_scalars
from .part_maps import part_picture, without_outliers
from .picture_grid import (
    image_to_picture,
    picture_grid,
    save_animation,
    save_picture,
)
from .reconstruction_sheet import reconstruction_sheet
from .shading import BLUE, CLAY, render_mesh
from .turntable import (
    common_radius,
    framing_radius,
    picture_mesh,
    save_turntable,
    turntable,
)

__all__ = [
    "BLUE",
    "CLAY",
    "cloud_views",
    "common_radius",
    "comparison_grid",
    "draw_balls",
    "draw_cameras",
    "draw_two_clouds",
    "framing_radius",
    "image_to_picture",
    "orbit_cameras",
    "part_picture",
    "picture_grid",
    "picture_mesh",
    "plot_curves",
    "read_scalars",
    "reconstruction_sheet",
    "render_mesh",
    "save_animation",
    "save_picture",
    "save_turntable",
    "turntable",
    "voxel_iou",
    "without_outliers",
]
