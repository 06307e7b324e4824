# SPDX-License-Identifier: Apache-2.0
"""AtlasNet for images, step 2: all of what step 1 trained, at a tenth of its rate."""

from mmengine.config import read_base

with read_base():
    from .svr_sphere_scratch import *

load_from = "work_dirs/svr_sphere_encoder/epoch_150.pth"
train_cfg.merge(dict(max_epochs=50))
optim_wrapper.merge(dict(optimizer=dict(lr=1e-4)))
param_scheduler[0].merge(dict(milestones=[40]))
custom_hooks[0].merge(dict(epochs=[40]))
