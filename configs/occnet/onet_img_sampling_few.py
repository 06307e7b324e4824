# SPDX-License-Identifier: Apache-2.0
"""Ablation: 64 training points of each object."""

from mmengine.config import read_base

with read_base():
    from .onet_img import *

train_dataloader.merge(dict(dataset=dict(points=dict(num_points=64))))
