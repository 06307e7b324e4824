# SPDX-License-Identifier: Apache-2.0
"""From 300 noisy points to a shape; 10,373,889 parameters.

Source: configs/pointcloud/onet.yaml of autonomousvision/occupancy_networks.
"""

from mmengine.config import read_base

from svr3d.datasets.transforms import PackViews
from svr3d.models.backbones import ResNetPointNetEncoder

with read_base():
    from .._base_.models.onet import *
    from .._base_.runs.occnet import *

model.merge(
    dict(
        backbone=dict(
            _delete_=True, type=ResNetPointNetEncoder, out_features=512, hidden=512
        ),
        head=dict(decoder=dict(code_features=512)),
        input_key="input_points",
    )
)
inputs = dict(
    num_views=0,
    pipeline=[dict(type=PackViews)],
    points=dict(num_input_points=300, input_noise=0.005),
)
train_dataloader.merge(dict(dataset=inputs))
val_dataloader.merge(dict(dataset=inputs))
test_dataloader.merge(dict(dataset=inputs))
protocol.merge(dict(views=None, view_selection="300 points of the surface"))
