# SPDX-License-Identifier: Apache-2.0
"""AtlasNet that encodes points, one sphere, 3,307,267 parameters."""

from mmengine.config import read_base

from svr3d.models.backbones import BatchNormPointNetEncoder

with read_base():
    from .atlasnet import *

model.merge(
    dict(
        backbone=dict(_delete_=True, type=BatchNormPointNetEncoder, out_features=1024),
        input_key="input_points",
        init_cfg=dict(
            type="Normal",
            layer=["BatchNorm1d"],
            mean=1.0,
            std=0.02,
            bias=0,
        ),
    )
)
