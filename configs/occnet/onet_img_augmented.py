# SPDX-License-Identifier: Apache-2.0
"""The image model of the paper, trained on random crops.

Its authors found that the crops lower the scores on the test set. Source:
configs/img/onet_legacy_pretrained.yaml of autonomousvision/occupancy_networks.
"""

from mmengine.config import read_base

from svr3d.datasets.transforms import PackViews, RandomResizedCrop

with read_base():
    from .onet_img import *

train_pipeline = [
    dict(type=RandomResizedCrop, size=224, scale=(0.75, 1.0), ratio=(1.0, 1.0)),
    dict(type=PackViews),
]
train_dataloader.merge(dict(dataset=dict(pipeline=train_pipeline)))
