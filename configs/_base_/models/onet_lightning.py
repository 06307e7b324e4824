# SPDX-License-Identifier: Apache-2.0
"""The re-implementation in Lightning: EfficientNet-b0 and a narrow decoder."""

from mmengine.model import BaseDataPreprocessor

from svr3d.models.backbones import EfficientNetEncoder
from svr3d.models.decoders import CBNDecoder
from svr3d.models.heads import OccupancyHead
from svr3d.models.losses import OccupancyBCE
from svr3d.models.reconstructors import EncoderDecoder

model = dict(
    type=EncoderDecoder,
    data_preprocessor=dict(type=BaseDataPreprocessor),
    backbone=dict(type=EfficientNetEncoder, variant="b0", out_features=128),
    head=dict(
        type=OccupancyHead,
        decoder=dict(type=CBNDecoder, code_features=128, hidden_features=128),
        threshold=0.5,
    ),
    losses=[dict(type=OccupancyBCE)],
    channels_last=True,
)
