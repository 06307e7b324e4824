# SPDX-License-Identifier: Apache-2.0
"""From 32^3 voxels to a finer shape; 7,857,473 parameters.

Source: configs/voxels/onet.yaml of autonomousvision/occupancy_networks.
"""

from mmengine.config import read_base

from svr3d.datasets.transforms import PackViews
from svr3d.models.backbones import VoxelEncoder

with read_base():
    from .._base_.models.onet import *
    from .._base_.runs.occnet import *

model.merge(
    dict(
        backbone=dict(_delete_=True, type=VoxelEncoder, out_features=256),
        input_key="voxels",
    )
)
inputs = dict(
    num_views=0,
    pipeline=[dict(type=PackViews)],
    voxels_file="model.binvox",
    points=dict(num_points=1024),
)
train_dataloader.merge(dict(dataset=inputs))
val_dataloader.merge(dict(dataset=inputs))
test_dataloader.merge(dict(dataset=inputs))
protocol.merge(dict(views=None, view_selection="model.binvox"))
