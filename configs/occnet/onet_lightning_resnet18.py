# SPDX-License-Identifier: Apache-2.0
"""ResNet-18 and conditional batch norms of 256, as re-implemented in Lightning."""

from mmengine.config import read_base

from svr3d.models.backbones import ConditionalResNet

with read_base():
    from .onet_lightning_cbn import *

model.merge(
    dict(
        backbone=dict(
            _delete_=True,
            type=ConditionalResNet,
            depth=18,
            out_features=256,
            pretrained="https://download.pytorch.org/models/resnet18-f37072fd.pth",
        ),
        head=dict(decoder=dict(code_features=256, hidden_features=256)),
    )
)
