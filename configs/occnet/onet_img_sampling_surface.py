# SPDX-License-Identifier: Apache-2.0
"""Ablation: training points near the surface, from a file of their own."""

from mmengine.config import read_base

with read_base():
    from .onet_img import *

train_dataloader.merge(
    dict(dataset=dict(points=dict(points_file="points_surface.npz")))
)
