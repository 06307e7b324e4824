# SPDX-License-Identifier: Apache-2.0
"""A narrow occupancy network with local features, several views, on own data.

tools/train.py configs/occnet/local_views_custom.py --cfg-options data_root=data/mine
"""

from mmengine.config import read_base

from svr3d.models.decoders import LocalDecoder
from svr3d.models.heads import LocalOccupancyHead, VoxelDecoder
from svr3d.models.losses import OccupancyBCE, OccupancySoftIoU

with read_base():
    from .._base_.models.res3dgru_narrow import *
    from .._base_.runs.narrow_custom_points import *

# Encoder and fusion of view_fusion/res3dgru_custom.py; its decoder ends at half the
# resolution here, and what lies between cells is the local decoder's.
model.merge(
    dict(
        head=dict(
            _delete_=True,
            type=LocalOccupancyHead,
            volume=dict(
                type=VoxelDecoder, widths=(96, 64, 32), depths=(2, 2), upsamplings=2
            ),
            decoder=dict(
                type=LocalDecoder, features=32, hidden_features=32, num_blocks=3
            ),
        ),
        losses=[
            dict(type=OccupancyBCE, weight=10.0, reduction="mean"),
            dict(type=OccupancySoftIoU, weight=5.0),
        ],
    )
)
train_dataloader.merge(dict(dataset=dict(points=dict(num_points=4096))))
protocol.merge(dict(reference="Peng et al., ECCV 2020, from images, narrow"))
