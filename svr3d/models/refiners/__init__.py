# SPDX-License-Identifier: Apache-2.0
"""Networks that correct what a head predicted."""

from svr3d.models.refiners.voxel_refiner import VoxelRefiner

__all__ = ["VoxelRefiner"]
