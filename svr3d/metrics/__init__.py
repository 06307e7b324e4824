# SPDX-License-Identifier: Apache-2.0
"""Metrics with explicit protocols."""

from svr3d.metrics.aligned_point_distances import AlignedPointDistances
from svr3d.metrics.merge_tables import merge_tables
from svr3d.metrics.mesh_distances import MeshDistances
from svr3d.metrics.mesh_to_mesh_distance import MeshToMeshDistance
from svr3d.metrics.occupancy_loss import OccupancyLoss
from svr3d.metrics.point_distances import PointDistances
from svr3d.metrics.point_iou import PointIoU
from svr3d.metrics.pose_errors import PoseErrors
from svr3d.metrics.result_table import ResultRow, ResultTable
from svr3d.metrics.voxel_iou import VoxelIoU

__all__ = [
    "AlignedPointDistances",
    "MeshDistances",
    "MeshToMeshDistance",
    "OccupancyLoss",
    "PointDistances",
    "PointIoU",
    "PoseErrors",
    "ResultRow",
    "ResultTable",
    "VoxelIoU",
    "merge_tables",
]
