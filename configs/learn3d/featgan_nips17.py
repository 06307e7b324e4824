# SPDX-License-Identifier: Apache-2.0
"""3D-AE-featGAN on the learnt stereo machine's data (NIPS17), one view per object.

Views are classes by 15 degrees of azimuth and 20 of elevation, 72 in all.

tools/train.py configs/learn3d/featgan_nips17.py --cfg-options data_root=data/lsm
"""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.shapenet_lsm import *
    from .._base_.evaluation.mesh_voxels import *
    from .._base_.models.learn3d_featgan import *
    from .._base_.runs.learn3d import *
    from .._base_.schedules.adam_learn3d_adversary import *

# Half the field of view of these renderings: atan(16 / 60).
model.merge(dict(renderer=dict(half_angle=14.9314)))
protocol = dict(
    split="splits.json",
    views=1,
    view_selection="all 20, each by itself",
    unit="edge of the grid, 32 / 31 of the longest side",
    num_points=None,
    reference="Peng et al., arXiv 2004.01347",
)
