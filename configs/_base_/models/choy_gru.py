# SPDX-License-Identifier: Apache-2.0
"""3D-GRU-3 of 3D-R2N2 (Choy et al., ECCV 2016): GRUNet of the authors' program."""

from svr3d.models.backbones import ResidualEncoder
from svr3d.models.data_preprocessors import ImagePreprocessor
from svr3d.models.fusion import GRU3D
from svr3d.models.heads import VoxelDecoder
from svr3d.models.losses import VoxelBCE
from svr3d.models.reconstructors import EncoderDecoder

# The paper gives a slope of 0.1; both programs have 0.01.
slope = 0.01

model = dict(
    type=EncoderDecoder,
    data_preprocessor=dict(
        type=ImagePreprocessor, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)
    ),
    backbone=dict(
        type=ResidualEncoder,
        widths=(96, 128, 256, 256, 256, 256),
        shortcuts=("none",) * 6,
        depth=1,
        norm=False,
        bias=True,
        pool="padded",
        slope=slope,
        output_slope=slope,
        image_size=127,
        out_features=1024,
        initialization="theano",
    ),
    fusion=dict(
        type=GRU3D,
        in_features=1024,
        channels=128,
        grid_size=4,
        norm=None,
        trainable_gate_bias=True,
        initialization="theano",
    ),
    head=dict(
        type=VoxelDecoder,
        widths=(128, 128, 128, 64, 32),
        depths=(1, 1, 1, 1),
        shortcuts=("none",) * 4,
        upsampling="zeros",
        norm=False,
        slope=slope,
        join_slope=slope,
        out_channels=2,
        initialization="theano",
    ),
    # The mean cross entropy of the softmax over empty and occupied.
    losses=[dict(type=VoxelBCE, weight=1.0)],
)
