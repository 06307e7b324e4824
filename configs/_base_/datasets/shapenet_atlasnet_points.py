# SPDX-License-Identifier: Apache-2.0
"""ShapeNet's clouds alone, as AtlasNet's autoencoder takes them: input and target."""

from mmengine.config import read_base

from svr3d.datasets.transforms import PackViews

with read_base():
    from .shapenet_atlasnet import *

points = dict(num_points=2500, normalization="UnitBall", as_input=True)
pipeline = [dict(type=PackViews)]

train_dataloader.merge(
    dict(dataset=dict(reader="none", points=points, pipeline=pipeline))
)
val_dataloader.merge(
    dict(dataset=dict(reader="none", points=points, pipeline=pipeline))
)
test_dataloader.merge(
    dict(dataset=dict(reader="none", points=points, pipeline=pipeline))
)
