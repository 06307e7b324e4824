# SPDX-License-Identifier: Apache-2.0
"""A narrow Res3D-GRU for images of 64 pixels, which CPUs train in minutes."""

from mmengine.config import read_base

from svr3d.models.losses import VoxelBCE, VoxelSoftIoU

with read_base():
    from .res3dgru import *

# Norms see all views of a batch at once, which is quicker and steadier for few
# samples; their running statistics follow torch's convention. Cross entropy alone is
# slow to learn thin shapes, which the soft IoU weighs like bulky ones.
model.merge(
    dict(
        encode_views="together",
        channels_last=True,
        # The training pipelines mirror objects along x.
        mirror_axis="x",
        backbone=dict(
            widths=(16, 32, 48, 64, 96),
            shortcuts=("none", "projection", "projection", "projection", "projection"),
            image_size=64,
            out_features=256,
        ),
        fusion=dict(in_features=256, channels=96, norm="torch"),
        head=dict(widths=(96, 64, 16, 16), depths=(2, 2, 1)),
        losses=[
            dict(type=VoxelBCE, weight=10.0),
            dict(type=VoxelSoftIoU, weight=5.0),
        ],
    )
)
