# SPDX-License-Identifier: Apache-2.0
"""A narrow occupancy network on the embedded procedural objects, for two CPU cores."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.onet_narrow import *
    from .._base_.runs.narrow_synthetic import *

# One random view of each object; a fresh draw of its points at each visit.
num_views = 1
train_dataloader.merge(
    dict(dataset=dict(num_views=num_views, points=dict(num_points=1024)))
)
val_dataloader.merge(dict(dataset=dict(num_views=num_views)))
test_dataloader.merge(dict(dataset=dict(num_views=num_views)))

protocol.merge(dict(views=1, reference="Mescheder et al., CVPR 2019, narrow variant"))
