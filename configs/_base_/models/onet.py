# SPDX-License-Identifier: Apache-2.0
"""Occupancy network for images (Mescheder et al., CVPR 2019), 13,414,465 parameters."""

from mmengine.model import BaseDataPreprocessor

from svr3d.models.backbones import ConditionalResNet
from svr3d.models.decoders import CBNDecoder
from svr3d.models.heads import OccupancyHead
from svr3d.models.losses import OccupancyBCE
from svr3d.models.reconstructors import EncoderDecoder

model = dict(
    type=EncoderDecoder,
    # The encoder normalises images itself.
    data_preprocessor=dict(type=BaseDataPreprocessor),
    backbone=dict(
        type=ConditionalResNet,
        depth=18,
        out_features=256,
        pretrained="https://download.pytorch.org/models/resnet18-f37072fd.pth",
    ),
    head=dict(
        type=OccupancyHead,
        decoder=dict(type=CBNDecoder, code_features=256, hidden_features=256),
        threshold=0.2,
        resolution=32,
        upsampling_steps=2,
    ),
    losses=[dict(type=OccupancyBCE)],
    channels_last=True,
)
