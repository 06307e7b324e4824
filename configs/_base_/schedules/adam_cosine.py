# SPDX-License-Identifier: Apache-2.0
"""Adam with a short warm-up and a cosine decay, for small models and data sets."""

from mmengine.optim import CosineAnnealingLR, LinearLR, OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, TestLoop, ValLoop
from torch.optim import Adam

train_cfg = dict(type=EpochBasedTrainLoop, max_epochs=60, val_interval=5)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)

optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=Adam, lr=1e-3, betas=(0.9, 0.999), eps=1e-8),
)
# Both step per iteration; T_max counts epochs and follows the length of the run.
param_scheduler = [
    dict(type=LinearLR, start_factor=0.1, begin=0, end=30, by_epoch=False),
    dict(type=CosineAnnealingLR, eta_min=1e-5, convert_to_iter_based=True),
]
