# SPDX-License-Identifier: Apache-2.0
"""ShapeNet in the neural mesh renderer's views: 64 x 64 on black, masks, cameras.

One category at a time, all 24 views of each object as samples of their own, as
published; ``views_per_object=1`` in the training data shows each object from one side
only. Images have known masks, so nothing is cropped or turned.
"""

from svr3d.datasets import ShapeNetNMR
from svr3d.datasets.transforms import PackViews

data_root = "data/nmr"
categories = ["chair"]
pipeline = [dict(type=PackViews, mask_channel=False)]

train_dataloader = dict(
    batch_size=128,
    num_workers=2,
    shuffle=True,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetNMR,
        data_root=data_root,
        split="train",
        categories=categories,
        voxels=False,
        pipeline=pipeline,
    ),
)
val_dataloader = dict(
    batch_size=128,
    num_workers=2,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetNMR,
        data_root=data_root,
        split="val",
        categories=categories,
        pipeline=pipeline,
    ),
)
test_dataloader = dict(
    batch_size=128,
    num_workers=2,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetNMR,
        data_root=data_root,
        split="test",
        categories=categories,
        pipeline=pipeline,
    ),
)
