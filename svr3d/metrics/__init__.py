# SPDX-License-Identifier: Apache-2.0
"""Metrics with explicit protocols."""

from svr3d.metrics.result_table import ResultRow, ResultTable, merge_tables
from svr3d.metrics.voxel_iou import VoxelIoU

__all__ = ["ResultRow", "ResultTable", "VoxelIoU", "merge_tables"]
