# SPDX-License-Identifier: Apache-2.0
"""How well a decoder represents the training set at all: a code for each chair.

Source: configs/repr_power/onet.yaml of autonomousvision/occupancy_networks. All splits
are the 4,746 chairs of the training set.
"""

from mmengine.config import read_base

from svr3d.datasets.transforms import PackViews
from svr3d.models.backbones import IndexEmbedding

with read_base():
    from .._base_.models.onet import *
    from .._base_.runs.occnet import *

model.merge(
    dict(
        backbone=dict(
            _delete_=True, type=IndexEmbedding, num_objects=4746, out_features=512
        ),
        head=dict(decoder=dict(code_features=512), threshold=0.5),
        input_key="index",
    )
)
inputs = dict(
    split="train",
    num_views=0,
    pipeline=[dict(type=PackViews, with_index=True)],
    categories=["03001627"],
    points=dict(num_points=1024),
)
train_dataloader.merge(dict(dataset=inputs))
val_dataloader.merge(dict(dataset=inputs))
test_dataloader.merge(dict(dataset=inputs))
protocol.merge(dict(split="train.lst", views=None, view_selection="none"))
