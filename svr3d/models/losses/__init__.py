# SPDX-License-Identifier: Apache-2.0
"""Losses, named by what they compare."""

from svr3d.models.losses.chamfer_loss import ChamferLoss
from svr3d.models.losses.latent_kl import LatentKL
from svr3d.models.losses.occupancy_bce import OccupancyBCE
from svr3d.models.losses.occupancy_soft_iou import OccupancySoftIoU
from svr3d.models.losses.voxel_bce import VoxelBCE
from svr3d.models.losses.voxel_soft_iou import VoxelSoftIoU

__all__ = [
    "ChamferLoss",
    "LatentKL",
    "OccupancyBCE",
    "OccupancySoftIoU",
    "VoxelBCE",
    "VoxelSoftIoU",
]
