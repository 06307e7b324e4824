# SPDX-License-Identifier: Apache-2.0
"""Losses, named by what they compare."""

from svr3d.models.losses.chamfer_loss import ChamferLoss
from svr3d.models.losses.code_prior import CodePrior
from svr3d.models.losses.image_difference import ImageDifference
from svr3d.models.losses.latent_kl import LatentKL
from svr3d.models.losses.mesh_flattening import MeshFlattening
from svr3d.models.losses.mesh_regularity import (
    MeshEdgeLength,
    MeshInflation,
    MeshLaplacian,
)
from svr3d.models.losses.mirror_symmetry import MirrorSymmetry
from svr3d.models.losses.multi_scale_silhouette import MultiScaleSilhouette
from svr3d.models.losses.occupancy_bce import OccupancyBCE
from svr3d.models.losses.occupancy_soft_iou import OccupancySoftIoU
from svr3d.models.losses.pose_cycle import PoseCycle
from svr3d.models.losses.shape_cycle import ShapeCycle
from svr3d.models.losses.silhouette_affinity import SilhouetteAffinity
from svr3d.models.losses.silhouette_bce import SilhouetteBCE
from svr3d.models.losses.silhouette_chamfer import SilhouetteChamfer
from svr3d.models.losses.silhouette_iou import SilhouetteIoU
from svr3d.models.losses.voxel_bce import VoxelBCE
from svr3d.models.losses.voxel_soft_iou import VoxelSoftIoU

__all__ = [
    "ChamferLoss",
    "CodePrior",
    "ImageDifference",
    "LatentKL",
    "MeshEdgeLength",
    "MeshFlattening",
    "MeshInflation",
    "MeshLaplacian",
    "MirrorSymmetry",
    "MultiScaleSilhouette",
    "OccupancyBCE",
    "OccupancySoftIoU",
    "PoseCycle",
    "ShapeCycle",
    "SilhouetteAffinity",
    "SilhouetteBCE",
    "SilhouetteChamfer",
    "SilhouetteIoU",
    "VoxelBCE",
    "VoxelSoftIoU",
]
