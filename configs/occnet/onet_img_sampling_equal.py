# SPDX-License-Identifier: Apache-2.0
"""Ablation: as many training points outside as inside."""

from mmengine.config import read_base

with read_base():
    from .onet_img import *

train_dataloader.merge(dict(dataset=dict(points=dict(num_points=(1024, 1024)))))
