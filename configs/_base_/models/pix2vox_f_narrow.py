# SPDX-License-Identifier: Apache-2.0
"""A narrow Pix2Vox-F for images of 64 pixels, which CPUs train in minutes."""

from mmengine.config import read_base

from svr3d.models.losses import VoxelBCE, VoxelSoftIoU

with read_base():
    from .pix2vox_f import *

# There are no published weights for so narrow a trunk, so it is trained too. Maps of
# 8x8 cells leave no room for a pool. Norms see all views of a batch at once, and thin
# shapes weigh like bulky ones, as in the narrow Res3D-GRU.
model.merge(
    dict(
        encode_views="together",
        channels_last=True,
        backbone=dict(
            trunk=dict(
                stages=((16, 16), (32, 32), (48, 48, 48), (64,)),
                pretrained=None,
                frozen=False,
            ),
            widths=(96, 96, 64),
            kernels=(1, 3, 3),
            pools=(1, 1, 1),
            image_size=64,
        ),
        # The published start, random logits without a bias, takes many epochs to leave.
        head=dict(
            widths=(128, 96, 64, 32, 8), logit_bias=-2.0, initialization="paddle"
        ),
        fusion=dict(widths=(4, 4), score_views="together"),
        losses=[
            dict(type=VoxelBCE, weight=10.0),
            dict(type=VoxelSoftIoU, weight=5.0),
        ],
    )
)
