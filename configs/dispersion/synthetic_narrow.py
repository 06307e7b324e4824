# SPDX-License-Identifier: Apache-2.0
"""The synthetic study in small: a narrow network on one of the 16 cube-sphere sets.

tools/train.py configs/dispersion/synthetic_narrow.py --cfg-options
    data_root=data/cubesphere_1000
    train_dataloader.dataset.list_file=cluster_image_aug_2by10_cltsize35.json

synthetic_narrow.yml trains all of them: tools/analysis/dispersion_sweep.py.
"""

from mmengine.config import read_base
from mmengine.optim import MultiStepLR, OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, TestLoop, ValLoop
from torch.optim import Adam

from svr3d.datasets.transforms import PackViews, Resize
from svr3d.metrics import PointDistances

with read_base():
    from .._base_.datasets.cube_sphere import *
    from .._base_.models.atlasnet_sphere_64 import *
    from .._base_.runtime.default import *

pipeline = [dict(type=Resize, size=64), dict(type=PackViews)]
train_dataloader.merge(dict(dataset=dict(pipeline=pipeline)))
val_dataloader.merge(dict(dataset=dict(pipeline=pipeline)))
test_dataloader.merge(dict(dataset=dict(pipeline=pipeline)))

# A quarter of the published epochs, with its decays at the same parts of the course.
train_cfg = dict(type=EpochBasedTrainLoop, max_epochs=300, val_interval=300)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)
optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=Adam, lr=1e-3))
param_scheduler = [dict(type=MultiStepLR, milestones=[200, 250, 275], gamma=0.1)]

val_evaluator = [dict(type=PointDistances)]
test_evaluator = val_evaluator
default_hooks.merge(
    dict(checkpoint=dict(interval=100, max_keep_ckpts=1, save_best=None))
)
protocol = dict(
    split="test_interp_1000.json of the set",
    views=1,
    view_selection="isometric",
    unit="radius of the unit ball",
    num_points=2500,
    reference="Zhou et al., 3DV 2021, synthetic sets, narrow variant",
)
