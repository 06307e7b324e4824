# SPDX-License-Identifier: Apache-2.0
"""An AtlasNet of one sphere that learns from masks alone, on own data.

Networks see masks, and pictures of the cycles are silhouettes, so that no colours are
needed. Any head that emits points can stand here.

tools/train.py configs/ssl3d/atlasnet_masks_custom.py --cfg-options data_root=data/mine
"""

from mmengine.config import read_base

from svr3d.models.backbones import SameConvEncoder
from svr3d.models.heads import AtlasNetHead
from svr3d.models.point_networks import EncodedShape
from svr3d.models.templates import SphereTemplate

with read_base():
    from .._base_.runs.ssl3d_narrow import *

for weights in (model["losses"], model["shape_weights"], model["pose_weights"]):
    weights.pop("image")
model.merge(
    dict(
        inputs="masks",
        shape=dict(
            _delete_=True,
            type=EncodedShape,
            backbone=dict(type=SameConvEncoder, widths=(16, 32, 64, 128)),
            head=dict(
                type=AtlasNetHead,
                template=dict(type=SphereTemplate),
                code_features=128,
                features=256,
                hidden_features=128,
                num_points=1024,
                num_points_eval=1024,
            ),
        ),
    )
)
protocol.merge(dict(reference="Groueix et al., CVPR 2018, from masks"))
