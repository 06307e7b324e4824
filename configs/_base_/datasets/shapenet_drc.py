# SPDX-License-Identifier: Apache-2.0
"""ShapeNet in DRC's renderings: single 64 x 64 images on black, masks, no poses needed.

One category at a time, as published. Images keep what lies under their alpha, which is
black; two of them make a batch. ``neighbors=5`` in the training data adds the mask of
one of the five nearest images.
"""

from svr3d.datasets import ShapeNetDRC
from svr3d.datasets.transforms import DropAlpha, PackViews

data_root = "data/drc"
categories = ["chair"]
pipeline = [dict(type=DropAlpha), dict(type=PackViews, mask_channel=False)]

train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    shuffle=True,
    drop_last=True,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetDRC,
        data_root=data_root,
        split="train",
        categories=categories,
        points=False,
        poses=False,
        pipeline=pipeline,
    ),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=2,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetDRC,
        data_root=data_root,
        split="val",
        categories=categories,
        pipeline=pipeline,
    ),
)
test_dataloader = dict(
    batch_size=16,
    num_workers=2,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetDRC,
        data_root=data_root,
        split="test",
        categories=categories,
        pipeline=pipeline,
    ),
)
