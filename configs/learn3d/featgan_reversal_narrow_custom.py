# SPDX-License-Identifier: Apache-2.0
"""Gradient reversal in place of confusion, one view of each object of own data.

The data set is one of ``build_dataset --layout nmr``.

tools/train.py configs/learn3d/featgan_reversal_narrow_custom.py \\
    --cfg-options data_root=data/mine
"""

from mmengine.config import read_base

with read_base():
    from .._base_.models.learn3d_reversal import *
    from .._base_.runs.learn3d_narrow import *
    from .._base_.schedules.adam_learn3d_narrow import *

model.merge(dict(backbone=narrow_encoder, head=narrow_generator))
