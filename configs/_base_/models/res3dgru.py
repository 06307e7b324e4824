# SPDX-License-Identifier: Apache-2.0
"""Res3D-GRU-3 of 3D-R2N2 (Choy et al., ECCV 2016) as its PaddlePaddle program."""

from svr3d.models.backbones import ResidualEncoder
from svr3d.models.data_preprocessors import ImagePreprocessor
from svr3d.models.fusion import GRU3D
from svr3d.models.heads import VoxelDecoder
from svr3d.models.losses import VoxelBCE
from svr3d.models.reconstructors import EncoderDecoder

model = dict(
    type=EncoderDecoder,
    data_preprocessor=dict(
        type=ImagePreprocessor,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        channel_order="bgr",
    ),
    backbone=dict(
        type=ResidualEncoder,
        widths=(96, 128, 256, 256, 256, 256),
        shortcuts=(
            "none",
            "projection",
            "projection",
            "none",
            "projection",
            "projection",
        ),
        image_size=127,
        out_features=1024,
    ),
    fusion=dict(type=GRU3D, in_features=1024, channels=128, grid_size=4, max_views=5),
    head=dict(type=VoxelDecoder, widths=(128, 128, 128, 64, 32), depths=(2, 2, 2, 3)),
    losses=[dict(type=VoxelBCE, weight=10.0)],
    # The program loops over views, so its batch norms see one view at a time.
    encode_views="one_by_one",
)
