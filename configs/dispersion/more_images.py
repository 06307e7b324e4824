# SPDX-License-Identifier: Apache-2.0
"""AtlasNet on renderings of limited yaw: the more yaw, the more dispersed the images.

All networks are tested on the images of 90 degrees to either side. more_images.yml
trains one for each range: tools/analysis/dispersion_sweep.py.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.shapenet_atlasnet_yaw import *
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
    view_selection="the only one, yaw within 90 degrees",
    unit="radius of the unit ball",
    num_points=2500,
    reference="Zhou et al., 3DV 2021",
)
