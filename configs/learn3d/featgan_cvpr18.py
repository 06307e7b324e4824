# SPDX-License-Identifier: Apache-2.0
"""3D-AE-featGAN on the neural mesh renderer's data, as published.

tools/train.py configs/learn3d/featgan_cvpr18.py --cfg-options data_root=data/nmr
"""

from mmengine.config import read_base

with read_base():
    from .._base_.models.learn3d_featgan import *
    from .._base_.runs.learn3d_cvpr18 import *
    from .._base_.schedules.adam_learn3d_adversary import *
