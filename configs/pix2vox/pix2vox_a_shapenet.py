# SPDX-License-Identifier: Apache-2.0
"""Pix2Vox-A on ShapeNet, single view, with the program's recipe."""

from mmengine.config import read_base

from svr3d.engine.hooks.start_parts_hook import StartPartsHook
from svr3d.metrics import VoxelIoU

with read_base():
    from .._base_.datasets.shapenet_r2n2_224 import *
    from .._base_.models.pix2vox_a import *
    from .._base_.runtime.default import *
    from .._base_.schedules.pix2vox import *

custom_hooks = [dict(type=StartPartsHook, start_epochs=dict(fusion=0, refiner=0))]

protocol = dict(
    split="ShapeNet.json, 13 categories, 70/10/20",
    views=1,
    view_selection="first",
    unit="32^3 voxels of the bounding box's cube",
    num_points=None,
    reference="Xie et al., ICCV 2019",
)

val_evaluator = dict(type=VoxelIoU, thresholds=(0.2, 0.3, 0.4, 0.5))
test_evaluator = val_evaluator
