# SPDX-License-Identifier: Apache-2.0
"""Adam at a constant rate, counted in iterations, as Occupancy Networks was trained.

The program has no end; the published weights of the image model are said to have seen
about 2.9 million batches.
"""

from mmengine.optim import OptimWrapper
from mmengine.runner import IterBasedTrainLoop, TestLoop, ValLoop
from torch.optim import Adam

train_cfg = dict(type=IterBasedTrainLoop, max_iters=3_000_000, val_interval=2000)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)

optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=Adam, lr=1e-4, betas=(0.9, 0.999), eps=1e-8),
)
param_scheduler = []
