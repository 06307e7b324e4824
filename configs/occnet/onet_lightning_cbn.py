# SPDX-License-Identifier: Apache-2.0
"""EfficientNet-b0 and conditional batch norms, as re-implemented in Lightning.

Source: Computer-Vision-IIITH-2021/project-noisypixel, src/train.py with its defaults.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.occnet_hdf5 import *
    from .._base_.evaluation.occnet_lightning import *
    from .._base_.models.onet_lightning import *
    from .._base_.runtime.default import *
    from .._base_.schedules.adam_occnet_lightning import *

default_hooks.merge(
    dict(
        checkpoint=dict(save_best="occupancy/loss", rule="less", max_keep_ckpts=3),
    )
)
protocol = dict(
    split="train.lst, val.lst and test.lst of the data set",
    views=1,
    view_selection="random",
    unit="object frame, longest side 1",
    num_points=2048,
    reference="project-noisypixel, final slides",
)
