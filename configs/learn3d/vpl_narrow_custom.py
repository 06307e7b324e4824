# SPDX-License-Identifier: Apache-2.0
"""View prior learning of one view of each object of own data, in minutes.

The data set is one of ``build_dataset --layout nmr``.

tools/train.py configs/learn3d/vpl_narrow_custom.py --cfg-options data_root=data/mine
"""

from mmengine.config import read_base

with read_base():
    from .._base_.models.learn3d_vpl import *
    from .._base_.runs.learn3d_narrow import *
    from .._base_.schedules.adam_learn3d_narrow import *

model.merge(dict(backbone=narrow_encoder, head=narrow_generator))
# At the published weight of 1 and this rate meshes shrink to nothing at once, and an
# empty silhouette has no slope that would bring them back.
model.merge(
    dict(adversary=dict(weight=0.05, discriminator=dict(widths=(32, 64, 128, 256))))
)
