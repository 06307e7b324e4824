# SPDX-License-Identifier: Apache-2.0
"""A whole run on the embedded procedural objects but for its model: two CPU cores."""

from mmengine.config import read_base

from svr3d.metrics import VoxelIoU

with read_base():
    from ..datasets.small_images import *
    from ..datasets.synthetic_r2n2 import *
    from ..runtime.default import *
    from ..schedules.muon_cosine import *

train_cfg.merge(dict(max_epochs=25))
train_dataloader.merge(dict(dataset=dict(pipeline=small_train_pipeline)))
val_dataloader.merge(dict(dataset=dict(pipeline=small_test_pipeline)))
test_dataloader.merge(dict(dataset=dict(pipeline=small_test_pipeline)))

protocol = dict(
    split="ShapeNet.json of the procedural data set",
    views=5,
    view_selection="first",
    unit="32^3 voxels of the bounding box's cube",
    num_points=None,
    reference="Choy et al., ECCV 2016, narrow variant",
)

val_evaluator = dict(type=VoxelIoU, thresholds=(0.2, 0.3, 0.4, 0.5))
test_evaluator = val_evaluator
