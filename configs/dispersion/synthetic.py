# SPDX-License-Identifier: Apache-2.0
"""The synthetic study of the dispersion score: AtlasNet on one of the 16 sets.

synthetic.yml trains all of them: tools/analysis/dispersion_sweep.py. The program takes
random points of the sphere in validation and test; here they are the regular ones,
model.head.eval_template="random" draws them.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.cube_sphere import *
    from .._base_.evaluation.atlasnet import *
    from .._base_.models.atlasnet import *
    from .._base_.runtime.default import *
    from .._base_.schedules.adam_dispersion import *

train_cfg.merge(dict(max_epochs=1199))
param_scheduler[0].merge(dict(milestones=[800, 1000, 1100]))
custom_hooks[0].merge(dict(epochs=[800, 1000, 1100]))
default_hooks.merge(
    dict(checkpoint=dict(interval=100, save_best="points/chamfer_x1000", rule="less"))
)
protocol = dict(
    split="test_interp_1000.json of the set",
    views=1,
    view_selection="isometric",
    unit="radius of the unit ball",
    num_points=2500,
    reference="Zhou et al., 3DV 2021, synthetic sets",
)
