# SPDX-License-Identifier: Apache-2.0
"""The same run with the learning rate halved after epoch 45, as was intended."""

from mmengine.config import read_base
from mmengine.optim import MultiStepLR

with read_base():
    from .res3dgru_shapenet import *

param_scheduler = [dict(type=MultiStepLR, milestones=[45], gamma=0.5, by_epoch=True)]
