# SPDX-License-Identifier: Apache-2.0
"""A narrow Pix2Vox-F on the embedded procedural objects, for two CPU cores."""

from mmengine.config import read_base

from svr3d.engine.hooks.start_parts_hook import StartPartsHook
from svr3d.metrics import VoxelIoU

with read_base():
    from .._base_.datasets.small_images import *
    from .._base_.datasets.synthetic_r2n2 import *
    from .._base_.models.pix2vox_f_narrow import *
    from .._base_.runtime.default import *
    from .._base_.schedules.muon_cosine import *

train_cfg.merge(dict(max_epochs=25))
train_dataloader.merge(dict(dataset=dict(pipeline=small_train_pipeline)))
val_dataloader.merge(dict(dataset=dict(pipeline=small_test_pipeline)))
test_dataloader.merge(dict(dataset=dict(pipeline=small_test_pipeline)))

custom_hooks = [dict(type=StartPartsHook, start_epochs=dict(fusion=0))]

protocol = dict(
    split="ShapeNet.json of the procedural data set",
    views=5,
    view_selection="first",
    unit="32^3 voxels of the bounding box's cube",
    num_points=None,
    reference="Xie et al., ICCV 2019, narrow variant",
)

val_evaluator = dict(type=VoxelIoU, thresholds=(0.2, 0.3, 0.4, 0.5))
test_evaluator = val_evaluator
