# SPDX-License-Identifier: Apache-2.0
"""A narrow occupancy network that sees several views of an object, on own data.

tools/train.py configs/occnet/onet_views_custom.py --cfg-options data_root=data/mine
"""

from mmengine.config import read_base

from svr3d.models.fusion import MeanViewFusion
from svr3d.models.losses import OccupancyBCE, OccupancySoftIoU

with read_base():
    from .._base_.models.onet_narrow import *
    from .._base_.runs.narrow_custom_points import *

# Encoder and losses are those of view_fusion/res3dgru_custom.py, at points in place of
# cells. Codes of views are averaged: conditional batch norms take a short code.
model.merge(
    dict(
        encode_views="together",
        fusion=dict(type=MeanViewFusion),
        losses=[
            dict(type=OccupancyBCE, weight=10.0, reduction="mean"),
            dict(type=OccupancySoftIoU, weight=5.0),
        ],
    )
)
protocol.merge(dict(reference="Mescheder et al., CVPR 2019, narrow variant"))
