# SPDX-License-Identifier: Apache-2.0
"""ShapeNet as Occupancy Networks published it, with the paper's random crops."""

from mmengine.config import read_base

from svr3d.datasets.transforms import PackViews, RandomResizedCrop

with read_base():
    from .occnet import *

train_pipeline = [
    dict(type=RandomResizedCrop, size=224, scale=(0.75, 1.0), ratio=(1.0, 1.0)),
    dict(type=PackViews),
]
train_dataloader.merge(dict(dataset=dict(pipeline=train_pipeline)))
