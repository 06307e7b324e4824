# SPDX-License-Identifier: Apache-2.0
"""Adam at a constant rate for encoder and generator; adversaries add their own.

Source: ``train.sh`` of bomb2peng/learn3D: 20000 iterations of 128 images. Its decay
begins after the last iteration. In one pass over the weights (``fused``) Adam takes an
eighth of its time.
"""

from mmengine.runner import IterBasedTrainLoop, TestLoop, ValLoop
from torch.optim import Adam

from svr3d.engine.part_optimizers import PartOptimizers

train_cfg = dict(type=IterBasedTrainLoop, max_iters=20_000, val_interval=500)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)

optim_wrapper = dict(
    constructor=PartOptimizers,
    backbone=dict(optimizer=dict(type=Adam, lr=1e-4, fused=True)),
    head=dict(optimizer=dict(type=Adam, lr=1e-4, fused=True)),
)
