# SPDX-License-Identifier: Apache-2.0
"""Viewer-centred AtlasNet on one or more views of each object as samples.

views.yml trains on 1 to 18 of them: tools/analysis/dispersion_sweep.py.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.shapenet_atlasnet_views import *
    from .._base_.evaluation.atlasnet import *
    from .._base_.models.atlasnet import *
    from .._base_.runtime.default import *
    from .._base_.schedules.adam_dispersion import *

default_hooks.merge(
    dict(checkpoint=dict(save_best="points/chamfer_x1000", rule="less"))
)
protocol = dict(
    split="first 80 % of each category's sorted clouds train, the rest test",
    views=1,
    view_selection="view 0",
    unit="radius of the unit ball, axes of the camera",
    num_points=2500,
    reference="Zhou et al., 3DV 2021",
)
