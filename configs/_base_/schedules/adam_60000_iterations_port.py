# SPDX-License-Identifier: Apache-2.0
"""The same run as 3D-R2N2's PyTorch port has it: torch's Adam, L2 on biases too."""

from mmengine.config import read_base
from torch.optim import Adam

with read_base():
    from .adam_60000_iterations import *

optim_wrapper.merge(dict(optimizer=dict(type=Adam), paramwise_cfg=dict(_delete_=True)))
