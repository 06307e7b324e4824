# SPDX-License-Identifier: Apache-2.0
"""Occupancy network without an input: a variational auto-encoder of shapes."""

from mmengine.model import BaseDataPreprocessor

from svr3d.models.backbones import EmptyEncoder
from svr3d.models.decoders import SimpleDecoder
from svr3d.models.heads import OccupancyHead
from svr3d.models.latents import PointSetLatent
from svr3d.models.losses import LatentKL, OccupancyBCE
from svr3d.models.reconstructors import EncoderDecoder

model = dict(
    type=EncoderDecoder,
    data_preprocessor=dict(type=BaseDataPreprocessor),
    backbone=dict(type=EmptyEncoder),
    head=dict(
        type=OccupancyHead,
        decoder=dict(
            type=SimpleDecoder,
            code_features=0,
            latent_features=128,
            hidden_features=128,
        ),
        latent=dict(type=PointSetLatent, latent_features=128),
        sample_latent=True,
        threshold=0.2,
        resolution=32,
        upsampling_steps=2,
    ),
    losses=[dict(type=OccupancyBCE), dict(type=LatentKL)],
    # Only the number of samples is read of it.
    input_key="category",
)
