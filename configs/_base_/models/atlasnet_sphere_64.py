# SPDX-License-Identifier: Apache-2.0
"""A small AtlasNet of one sphere for single images of 64 pixels.

It learns some twenty objects within a minute on two CPU cores: the reduced synthetic
study of the dispersion score trains sixteen of them.
"""

from svr3d.models.backbones import ResidualEncoder
from svr3d.models.data_preprocessors import ImagePreprocessor
from svr3d.models.heads import AtlasNetHead
from svr3d.models.losses import ChamferLoss
from svr3d.models.reconstructors import EncoderDecoder
from svr3d.models.templates import SphereTemplate

model = dict(
    type=EncoderDecoder,
    data_preprocessor=dict(
        type=ImagePreprocessor, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)
    ),
    backbone=dict(
        type=ResidualEncoder,
        widths=(16, 32, 48, 64),
        shortcuts=("none", "projection", "projection", "projection"),
        image_size=64,
        out_features=128,
        initialization=None,
    ),
    head=dict(
        type=AtlasNetHead,
        template=dict(type=SphereTemplate),
        features=128,
        hidden_features=128,
        num_points=1024,
    ),
    # Squared distances in the unit ball are small beside Adam's epsilon.
    losses=[dict(type=ChamferLoss, weight=100.0)],
)
