# SPDX-License-Identifier: Apache-2.0
"""Voxels, points, meshes and occupancy fields, and how each becomes another."""

from .base import Structure, cell_centres
from .export import EXPORT_FORMATS, save_structure
from .extraction_settings import ExtractionSettings
from .mesh import Mesh
from .mesh_extraction import extract_meshes
from .occupancy_field import OccupancyField
from .point_cloud import PointCloud
from .r2n2_cube_mesh import r2n2_cube_mesh, r2n2_obj_text
from .refine_surface import refine_surface
from .simplify_mesh import simplify_mesh
from .textured_mesh import save_textured_mesh, textured_mesh
from .voxel_surface import cubes_surface, smooth_surface
from .voxels import DEFAULT_THRESHOLD, Voxels

__all__ = [
    "DEFAULT_THRESHOLD",
    "EXPORT_FORMATS",
    "ExtractionSettings",
    "Mesh",
    "OccupancyField",
    "PointCloud",
    "Structure",
    "Voxels",
    "cell_centres",
    "cubes_surface",
    "extract_meshes",
    "r2n2_cube_mesh",
    "r2n2_obj_text",
    "refine_surface",
    "save_structure",
    "save_textured_mesh",
    "simplify_mesh",
    "smooth_surface",
    "textured_mesh",
]
