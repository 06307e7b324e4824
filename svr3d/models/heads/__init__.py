# SPDX-License-Identifier: Apache-2.0
"""Decoders that emit a representation."""

from svr3d.models.heads.atlasnet_head import AtlasNetHead
from svr3d.models.heads.fold_net_head import FoldNetHead
from svr3d.models.heads.local_occupancy_head import LocalOccupancyHead
from svr3d.models.heads.mesh_generator import MeshGenerator
from svr3d.models.heads.occupancy_head import OccupancyHead
from svr3d.models.heads.psgn_head import PSGNHead
from svr3d.models.heads.query_head import QueryHead
from svr3d.models.heads.transposed_voxel_decoder import TransposedVoxelDecoder
from svr3d.models.heads.voxel_decoder import VoxelDecoder

__all__ = [
    "AtlasNetHead",
    "FoldNetHead",
    "LocalOccupancyHead",
    "MeshGenerator",
    "OccupancyHead",
    "PSGNHead",
    "QueryHead",
    "TransposedVoxelDecoder",
    "VoxelDecoder",
]
