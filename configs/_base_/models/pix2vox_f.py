# SPDX-License-Identifier: Apache-2.0
"""Pix2Vox-F (Xie et al., ICCV 2019), the small variant, without a refiner."""

from svr3d.models.backbones import FeatureMapEncoder, VGGFeatures
from svr3d.models.data_preprocessors import ImagePreprocessor
from svr3d.models.fusion import ContextAwareFusion
from svr3d.models.heads import TransposedVoxelDecoder
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
        type=FeatureMapEncoder,
        # The program overwrites ImageNet's weights by random ones before it freezes
        # them; pretrained=None does so too.
        trunk=dict(
            type=VGGFeatures,
            pretrained="https://download.pytorch.org/models/vgg16_bn-6c64b313.pth",
            frozen=True,
        ),
        widths=(512, 256, 128),
        kernels=(1, 3, 3),
        pools=(1, 4, 1),
        image_size=224,
    ),
    head=dict(type=TransposedVoxelDecoder, widths=(256, 128, 64, 32, 8), grid_size=2),
    fusion=dict(
        type=ContextAwareFusion,
        in_channels=9,
        widths=(16, 8, 4, 2),
        score_views="one_by_one",
    ),
    fuse="volumes",
    losses=[dict(type=VoxelBCE, weight=10.0)],
    # The program loops over views, so its batch norms see one view at a time.
    encode_views="one_by_one",
)
