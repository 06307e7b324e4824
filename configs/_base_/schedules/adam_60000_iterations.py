# SPDX-License-Identifier: Apache-2.0
"""Sixty thousand iterations of Adam with L2 on weights, as 3D-R2N2 was trained.

The L2 term is added to the gradient, as ``Adam`` does and ``AdamW`` does not. Biases
have none; the PyTorch port gives them one too and takes torch's own ``Adam``.
"""

from mmengine.optim import MultiStepLR, OptimWrapper
from mmengine.runner import IterBasedTrainLoop, TestLoop, ValLoop

from svr3d.engine.epsilon_hat_adam import EpsilonHatAdam

train_cfg = dict(type=IterBasedTrainLoop, max_iters=60000, val_interval=2000)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)

optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(
        type=EpsilonHatAdam,
        lr=1e-4,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=5e-5,
    ),
    paramwise_cfg=dict(
        bias_decay_mult=0.0, custom_keys={"gate_bias": dict(decay_mult=0.0)}
    ),
)
# The programs name iteration 60000 too, where the run ends.
param_scheduler = [
    dict(type=MultiStepLR, milestones=[20000, 60000], gamma=0.1, by_epoch=False)
]
