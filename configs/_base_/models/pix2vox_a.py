# SPDX-License-Identifier: Apache-2.0
"""Pix2Vox-A (Xie et al., ICCV 2019), the large variant, with a refiner."""

from mmengine.config import read_base

from svr3d.models.losses import VoxelBCE
from svr3d.models.refiners import VoxelRefiner

with read_base():
    from .pix2vox_f import *

model.merge(
    dict(
        backbone=dict(widths=(512, 512, 256), kernels=(3, 3, 1), pools=(1, 3, 1)),
        head=dict(widths=(2048, 512, 128, 32, 8)),
        refiner=dict(
            type=VoxelRefiner,
            widths=(32, 64, 128),
            resolution=32,
            hidden_features=2048,
        ),
        refiner_losses=[dict(type=VoxelBCE, weight=10.0)],
    )
)
