# SPDX-License-Identifier: Apache-2.0
"""A narrow AtlasNet of one sphere for images of 64 pixels, which CPUs train in minutes.

Encoder and fusion of views are those of res3dgru_narrow.py.
"""

from mmengine.config import read_base

from svr3d.models.heads import AtlasNetHead
from svr3d.models.losses import ChamferLoss
from svr3d.models.templates import SphereTemplate

with read_base():
    from .res3dgru_narrow import *

# Meshes have no average, so views are not mirrored in testing. Squared distances in an
# object of length 1 are small: the factor keeps Adam's epsilon out of sight.
model.merge(
    dict(
        mirror_axis=None,
        head=dict(
            _delete_=True,
            type=AtlasNetHead,
            template=dict(type=SphereTemplate),
            code_features=96 * 4**3,
            features=256,
            hidden_features=128,
            num_points=2500,
        ),
        losses=[dict(type=ChamferLoss, weight=100.0)],
    )
)
