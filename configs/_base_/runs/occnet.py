# SPDX-License-Identifier: Apache-2.0
"""A whole run of any occupancy network but for its model, as published."""

from mmengine.config import read_base

from svr3d.metrics import OccupancyLoss

with read_base():
    from ..datasets.occnet import *
    from ..evaluation.occnet import *
    from ..runtime.by_iteration import *
    from ..schedules.adam_occnet import *

# The best weights are those of the highest IoU at the points of validation objects.
default_hooks.merge(
    dict(
        logger=dict(interval=10),
        checkpoint=dict(interval=1000, save_best="point/iou"),
    )
)

protocol = dict(
    split="train.lst, val.lst and test.lst of the data set",
    views=1,
    view_selection="first",
    unit="object frame, longest side 1",
    num_points=100_000,
    reference="Mescheder et al., CVPR 2019",
)

# Training also sees the loss of validation objects, as the program prints it.
val_evaluator = [val_evaluator, dict(type=OccupancyLoss)]
