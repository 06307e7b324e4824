# SPDX-License-Identifier: Apache-2.0
"""The run of narrow_custom.py for heads that answer at points.

The best checkpoint is that of the IoU at points, whose labels tell inside from outside.
Voxel grids also count the cells that the surface touches, so that thin shapes are
thicker in them than what such heads learn.
"""

from mmengine.config import read_base

from svr3d.metrics import PointIoU, VoxelIoU

with read_base():
    from .narrow_custom import *

train_dataloader.merge(dict(dataset=dict(points=dict(num_points=1024))))
val_dataloader.merge(dict(dataset=dict(points=dict(iou_points=True))))
test_dataloader.merge(dict(dataset=dict(points=dict(iou_points=True))))

thresholds = (0.2, 0.3, 0.4, 0.5)
val_evaluator = [
    dict(type=PointIoU, thresholds=thresholds),
    dict(type=VoxelIoU, thresholds=thresholds),
]
test_evaluator = val_evaluator
default_hooks.merge(dict(checkpoint=dict(save_best="point/iou")))
protocol.merge(dict(num_points=100_000))
