# SPDX-License-Identifier: Apache-2.0
"""A generative model of chairs, selected by its evidence lower bound.

Source: configs/unconditional/onet_chairs.yaml of
autonomousvision/occupancy_networks.
"""

from mmengine.config import read_base

from svr3d.datasets.transforms import PackViews
from svr3d.metrics import OccupancyLoss

with read_base():
    from .._base_.models.onet_unconditional import *
    from .._base_.runs.occnet import *

inputs = dict(num_views=0, pipeline=[dict(type=PackViews)], categories=["03001627"])
train_dataloader.merge(dict(dataset=inputs))
val_dataloader.merge(dict(dataset=inputs))
test_dataloader.merge(dict(dataset=inputs))

default_hooks.merge(dict(checkpoint=dict(save_best="occupancy/loss", rule="less")))
val_evaluator = [dict(type=OccupancyLoss)]
test_evaluator = val_evaluator
protocol.merge(dict(views=None, view_selection="none", num_points=2048))
