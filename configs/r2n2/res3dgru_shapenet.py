# SPDX-License-Identifier: Apache-2.0
"""Res3D-GRU-3 on ShapeNet, five views: the run of the published table."""

from mmengine.config import read_base

from svr3d.metrics import VoxelIoU

with read_base():
    from .._base_.datasets.shapenet_r2n2 import *
    from .._base_.models.res3dgru import *
    from .._base_.runtime.default import *
    from .._base_.schedules.adam_60_epochs import *

protocol = dict(
    split="ShapeNet.json, 13 categories, 70/10/20",
    views=5,
    view_selection="first",
    unit="32^3 voxels of the bounding box's cube",
    num_points=None,
    reference="Choy et al., ECCV 2016; table of the PaddlePaddle program",
)

val_evaluator = dict(type=VoxelIoU, thresholds=(0.2, 0.3, 0.4, 0.5))
test_evaluator = val_evaluator
