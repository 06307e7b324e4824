# SPDX-License-Identifier: Apache-2.0
"""OURS-CC, the first stage: images, masks and cycles, one category.

tools/train.py configs/ssl3d/ours_cc.py --cfg-options data_root=data/drc
"""

from mmengine.config import read_base

with read_base():
    from .._base_.models.ssl3d import *
    from .._base_.runs.ssl3d import *
