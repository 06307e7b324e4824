# SPDX-License-Identifier: Apache-2.0
"""A whole run as AtlasNet's program trains and tests, but for its model.

The program validates on what it tests: 13 categories, view 0.
"""

from mmengine.config import read_base

with read_base():
    from ..datasets.shapenet_atlasnet import *
    from ..evaluation.atlasnet import *
    from ..runtime.default import *
    from ..schedules.adam_atlasnet import *

categories = (
    *("02691156", "02828884", "02933112", "02958343", "03001627", "03211117"),
    *("03636649", "03691459", "04090263", "04256520", "04379243", "04401088"),
    "04530566",
)
train_dataloader.merge(dict(dataset=dict(categories=categories)))
val_dataloader.merge(dict(dataset=dict(categories=categories)))
test_dataloader.merge(dict(dataset=dict(categories=categories)))

default_hooks.merge(
    dict(checkpoint=dict(save_best="points/chamfer_x1000", rule="less"))
)
protocol = dict(
    split="first 80 % of each category's sorted clouds train, the rest test",
    views=1,
    view_selection="view 0",
    unit="radius of the unit ball",
    num_points=2500,
    reference="Groueix et al., CVPR 2018",
)
