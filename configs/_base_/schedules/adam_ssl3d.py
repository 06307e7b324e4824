# SPDX-License-Identifier: Apache-2.0
"""Adam at a constant rate for the shape and for the pose network.

Source: ``run.sh`` of klnavaneet/ssl_3d_recon: iterations 0 to 200000 of two images
each. TensorFlow adds epsilon before the correction of the second moment.
"""

from mmengine.runner import IterBasedTrainLoop, TestLoop, ValLoop

from svr3d.engine.epsilon_hat_adam import EpsilonHatAdam
from svr3d.engine.part_optimizers import PartOptimizers

train_cfg = dict(type=IterBasedTrainLoop, max_iters=200_001, val_interval=2000)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)

optim_wrapper = dict(
    constructor=PartOptimizers,
    shape=dict(
        optimizer=dict(type=EpsilonHatAdam, lr=5e-4, betas=(0.9, 0.999), eps=1e-8)
    ),
    pose=dict(
        optimizer=dict(type=EpsilonHatAdam, lr=5e-4, betas=(0.9, 0.999), eps=1e-8)
    ),
)
