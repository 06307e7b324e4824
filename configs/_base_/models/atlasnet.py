# SPDX-License-Identifier: Apache-2.0
"""AtlasNet for images, one sphere (Groueix et al., CVPR 2018), 12,762,691 parameters.

Images are in [0, 1] and not normalised further.
"""

from mmengine.model import BaseDataPreprocessor

from svr3d.models.backbones import ConditionalResNet
from svr3d.models.heads import AtlasNetHead
from svr3d.models.losses import ChamferLoss
from svr3d.models.reconstructors import EncoderDecoder
from svr3d.models.templates import SphereTemplate

model = dict(
    type=EncoderDecoder,
    data_preprocessor=dict(type=BaseDataPreprocessor),
    backbone=dict(type=ConditionalResNet, depth=18, out_features=1024, normalize=False),
    head=dict(
        type=AtlasNetHead,
        template=dict(type=SphereTemplate),
        num_patches=1,
        features=1024,
        hidden_features=512,
        num_layers=2,
        num_points=2500,
        num_points_eval=2500,
    ),
    losses=[dict(type=ChamferLoss)],
    channels_last=True,
)
