# SPDX-License-Identifier: Apache-2.0
"""The autoencoder without an adversary on the neural mesh renderer's data.

tools/train.py configs/learn3d/ae_cvpr18.py --cfg-options data_root=data/nmr
"""

from mmengine.config import read_base

with read_base():
    from .._base_.models.learn3d import *
    from .._base_.runs.learn3d_cvpr18 import *
    from .._base_.schedules.adam_learn3d import *
