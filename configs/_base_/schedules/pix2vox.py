# SPDX-License-Identifier: Apache-2.0
"""250 epochs of Adam with a rate for each part, halved after epoch 150.

The program has an optimiser and a schedule for each of four parts. They differ in the
rate alone, so one optimiser with groups of parameters does the same.
"""

from mmengine.optim import MultiStepLR, OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, TestLoop, ValLoop
from torch.optim import Adam

from svr3d.engine.hooks.start_parts_hook import StartPartsHook

train_cfg = dict(type=EpochBasedTrainLoop, max_epochs=250, val_interval=1)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)

optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=Adam, lr=1e-3, betas=(0.9, 0.999), eps=1e-8),
    paramwise_cfg=dict(
        custom_keys={
            "backbone.": dict(lr_mult=1.0),
            "head.": dict(lr_mult=1.0),
            "fusion.": dict(lr_mult=0.1),
            "refiner.": dict(lr_mult=1.0),
        }
    ),
)
param_scheduler = [dict(type=MultiStepLR, milestones=[150], gamma=0.5, by_epoch=True)]

# Epochs before the learned fusion replaces the mean of the views' volumes; a model with
# a refiner gives it an epoch too.
custom_hooks = [dict(type=StartPartsHook, start_epochs=dict(fusion=0))]
