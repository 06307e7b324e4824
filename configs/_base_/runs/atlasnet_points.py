# SPDX-License-Identifier: Apache-2.0
"""The run of AtlasNet's autoencoders: the points are input and target."""

from mmengine.config import read_base

from svr3d.datasets.transforms import PackViews

with read_base():
    from .atlasnet import *

inputs = dict(
    reader="none", points=dict(as_input=True), pipeline=[dict(type=PackViews)]
)
train_dataloader.merge(dict(dataset=inputs))
val_dataloader.merge(dict(dataset=inputs))
test_dataloader.merge(dict(dataset=inputs))
protocol.merge(dict(views=None, view_selection="2,500 points of the surface"))
