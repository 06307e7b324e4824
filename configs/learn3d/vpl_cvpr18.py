# SPDX-License-Identifier: Apache-2.0
"""View prior learning on the neural mesh renderer's data, as learn3D compares with.

tools/train.py configs/learn3d/vpl_cvpr18.py --cfg-options data_root=data/nmr
"""

from mmengine.config import read_base

with read_base():
    from .._base_.models.learn3d_vpl import *
    from .._base_.runs.learn3d_cvpr18 import *
    from .._base_.schedules.adam_learn3d_adversary import *
