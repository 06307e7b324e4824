# SPDX-License-Identifier: Apache-2.0
"""Two hundred epochs of Adam, as the re-implementation in Lightning trains."""

from mmengine.optim import OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, TestLoop, ValLoop
from torch.optim import Adam

train_cfg = dict(type=EpochBasedTrainLoop, max_epochs=200, val_interval=1)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)

optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=Adam, lr=3e-4))
param_scheduler = []
