# SPDX-License-Identifier: Apache-2.0
"""Adam at a constant rate for encoder, generator and adversary."""

from mmengine.config import read_base
from torch.optim import Adam

with read_base():
    from .adam_learn3d import *

optim_wrapper.merge(
    dict(adversary=dict(optimizer=dict(type=Adam, lr=1e-4, fused=True)))
)
