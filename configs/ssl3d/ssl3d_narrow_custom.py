# SPDX-License-Identifier: Apache-2.0
"""Self-supervised point clouds of one category of own data, in minutes.

The data set is one of ``build_dataset`` in the R2N2 layout: images with alpha.

tools/train.py configs/ssl3d/ssl3d_narrow_custom.py --cfg-options data_root=data/mine
"""

from mmengine.config import read_base

with read_base():
    from .._base_.runs.ssl3d_narrow import *
