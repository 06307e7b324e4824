# SPDX-License-Identifier: Apache-2.0
"""Custom ops: compiled kernels where the extension is built, torch twins elsewhere."""

from svr3d.ops._library import build_info
from svr3d.ops.chamfer_distance import (
    ChamferTerms,
    chamfer_distance,
    chamfer_terms,
)
from svr3d.ops.emd import emd, match_points
from svr3d.ops.farthest_points import farthest_points
from svr3d.ops.marching_cubes import marching_cubes
from svr3d.ops.mise import MISE, evaluate_grids
from svr3d.ops.nearest_neighbors import NearestNeighbors, nearest_neighbors
from svr3d.ops.neural_rasterize import NeuralImages, neural_rasterize
from svr3d.ops.point_mesh_distance import PointMeshDistance, point_mesh_distance
from svr3d.ops.points_in_mesh import points_in_mesh
from svr3d.ops.points_inside import points_inside
from svr3d.ops.rasterize_meshes import RasterizedFragments, rasterize_meshes
from svr3d.ops.sample_surface import SurfaceSamples, sample_surface
from svr3d.ops.soft_silhouette import soft_silhouette
from svr3d.ops.splat_points import SplatImages, splat_points
from svr3d.ops.voxelize_meshes import voxelize_meshes
from svr3d.ops.winding_number import winding_number

__all__ = [
    "ChamferTerms",
    "MISE",
    "NearestNeighbors",
    "NeuralImages",
    "PointMeshDistance",
    "RasterizedFragments",
    "SplatImages",
    "SurfaceSamples",
    "build_info",
    "chamfer_distance",
    "chamfer_terms",
    "emd",
    "evaluate_grids",
    "farthest_points",
    "marching_cubes",
    "match_points",
    "nearest_neighbors",
    "neural_rasterize",
    "point_mesh_distance",
    "points_in_mesh",
    "points_inside",
    "rasterize_meshes",
    "sample_surface",
    "soft_silhouette",
    "splat_points",
    "voxelize_meshes",
    "winding_number",
]
