# SPDX-License-Identifier: Apache-2.0
"""Custom ops: compiled kernels where the extension is built, torch twins elsewhere."""

from svr3d.ops._library import build_info
from svr3d.ops.farthest_points import farthest_points
from svr3d.ops.points_in_mesh import points_in_mesh
from svr3d.ops.points_inside import points_inside
from svr3d.ops.rasterize_meshes import RasterizedFragments, rasterize_meshes
from svr3d.ops.voxelize_meshes import voxelize_meshes
from svr3d.ops.winding_number import winding_number

__all__ = [
    "RasterizedFragments",
    "build_info",
    "farthest_points",
    "points_in_mesh",
    "points_inside",
    "rasterize_meshes",
    "voxelize_meshes",
    "winding_number",
]
