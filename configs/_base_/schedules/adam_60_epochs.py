# SPDX-License-Identifier: Apache-2.0
"""Sixty epochs of Adam at a constant rate, as the published run was trained."""

from mmengine.optim import OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, TestLoop, ValLoop
from torch.optim import Adam

train_cfg = dict(type=EpochBasedTrainLoop, max_epochs=60, val_interval=1)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)

optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=Adam, lr=1e-4, betas=(0.9, 0.999), eps=1e-8),
)
# The program builds a scheduler that halves the rate after epoch 45 but never steps
# it; res3dgru_shapenet_halved.py does.
param_scheduler = []
