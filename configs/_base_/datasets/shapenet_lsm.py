# SPDX-License-Identifier: Apache-2.0
"""ShapeNet in the learnt stereo machine's renderings at 64 pixels, any elevation.

Training sees view 0 of each object, validation and test all 20. Channels are in the
order blue, green, red, as published.
"""

from svr3d.datasets import ShapeNetLSM
from svr3d.datasets.transforms import PackViews, Resize

data_root = "data/lsm"
categories = ["chair"]
pipeline = [
    dict(type=Resize, size=64, filter="gaussian"),
    dict(type=PackViews, mask_channel=False),
]

train_dataloader = dict(
    batch_size=128,
    num_workers=2,
    shuffle=True,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetLSM,
        data_root=data_root,
        split="train",
        categories=categories,
        views_per_object=1,
        voxels=False,
        pipeline=pipeline,
    ),
)
val_dataloader = dict(
    batch_size=128,
    num_workers=2,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetLSM,
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
        type=ShapeNetLSM,
        data_root=data_root,
        split="test",
        categories=categories,
        pipeline=pipeline,
    ),
)
