# SPDX-License-Identifier: Apache-2.0
"""The run of narrow_custom.py for heads that emit points of a surface.

The best checkpoint is that of the distance between surfaces.
"""

from mmengine.config import read_base

from svr3d.metrics import MeshDistances, VoxelIoU

with read_base():
    from .narrow_custom import *

train_dataloader.merge(dict(dataset=dict(points=dict(num_surface_points=2500))))
val_dataloader.merge(dict(dataset=dict(points=dict(num_surface_points=10_000))))
test_dataloader.merge(dict(dataset=dict(points=dict(num_surface_points="all"))))

val_evaluator = [
    dict(type=MeshDistances, num_points=10_000),
    dict(type=VoxelIoU, thresholds=(0.5,), bce_weight=None),
]
test_evaluator = [
    dict(type=MeshDistances, num_points=100_000),
    dict(type=VoxelIoU, thresholds=(0.5,), bce_weight=None),
]
default_hooks.merge(dict(checkpoint=dict(save_best="mesh/chamfer_l1", rule="less")))
protocol.merge(dict(unit="longest side of the object", num_points=100_000))
