# SPDX-License-Identifier: Apache-2.0
"""150 epochs of Adam whose rate is divided by 10 three times, as AtlasNet trains.

With each division the program makes a new Adam, which ``ResetOptimizerHook`` does;
without the hook the running means go on.
"""

from mmengine.optim import MultiStepLR, OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, TestLoop, ValLoop
from torch.optim import Adam

from svr3d.engine.hooks.reset_optimizer_hook import ResetOptimizerHook

train_cfg = dict(type=EpochBasedTrainLoop, max_epochs=150, val_interval=1)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)

optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=Adam, lr=1e-3, betas=(0.9, 0.999), eps=1e-8),
)
param_scheduler = [
    dict(type=MultiStepLR, milestones=[120, 140, 145], gamma=0.1, by_epoch=True)
]
custom_hooks = [dict(type=ResetOptimizerHook, epochs=[120, 140, 145])]
