# SPDX-License-Identifier: Apache-2.0
"""A narrow occupancy network for images of 64 pixels, which CPUs train in minutes."""

from svr3d.models.backbones import ResidualEncoder
from svr3d.models.data_preprocessors import ImagePreprocessor
from svr3d.models.decoders import CBNDecoder
from svr3d.models.heads import OccupancyHead
from svr3d.models.losses import OccupancyBCE
from svr3d.models.reconstructors import EncoderDecoder

model = dict(
    type=EncoderDecoder,
    data_preprocessor=dict(
        type=ImagePreprocessor,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        channel_order="bgr",
    ),
    # The encoder of res3dgru_narrow.py, so that the two differ in what they emit.
    backbone=dict(
        type=ResidualEncoder,
        widths=(16, 32, 48, 64, 96),
        shortcuts=("none", "projection", "projection", "projection", "projection"),
        image_size=64,
        out_features=256,
    ),
    head=dict(
        type=OccupancyHead,
        decoder=dict(type=CBNDecoder, code_features=256, hidden_features=128),
        threshold=0.4,
    ),
    losses=[dict(type=OccupancyBCE)],
    channels_last=True,
    # The training pipelines mirror objects along x.
    mirror_axis="x",
)
