# SPDX-License-Identifier: Apache-2.0
"""Muon with a short warm-up and a cosine decay, for small models and short runs.

Muon fits in fewer steps than Adam here (docs/results/meshes.md).
"""

from mmengine.optim import CosineAnnealingLR, LinearLR, OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, TestLoop, ValLoop

from svr3d.engine.conv_muon import ConvMuon

train_cfg = dict(type=EpochBasedTrainLoop, max_epochs=60, val_interval=5)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)

optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=ConvMuon, lr=0.02))
# Both step per iteration; T_max counts epochs and follows the length of the run.
param_scheduler = [
    dict(type=LinearLR, start_factor=0.1, begin=0, end=30, by_epoch=False),
    dict(type=CosineAnnealingLR, eta_min=1e-4, convert_to_iter_based=True),
]
