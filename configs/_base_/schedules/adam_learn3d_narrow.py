# SPDX-License-Identifier: Apache-2.0
"""A short course for encoder, generator and adversary, at twice the published rate."""

from mmengine.config import read_base

with read_base():
    from .adam_learn3d_adversary import *

train_cfg.merge(dict(max_iters=6000, val_interval=1000))
for part in ("backbone", "head", "adversary"):
    optim_wrapper[part].merge(dict(optimizer=dict(lr=2e-4)))
