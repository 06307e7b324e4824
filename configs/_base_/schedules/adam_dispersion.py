# SPDX-License-Identifier: Apache-2.0
"""120 epochs of Adam, as the dispersion study trains on ShapeNet."""

from mmengine.config import read_base

with read_base():
    from .adam_atlasnet import *

train_cfg.merge(dict(max_epochs=120))
param_scheduler[0].merge(dict(milestones=[90, 110, 115]))
custom_hooks[0].merge(dict(epochs=[90, 110, 115]))
