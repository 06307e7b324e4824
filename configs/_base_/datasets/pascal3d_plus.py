# SPDX-License-Identifier: Apache-2.0
"""Pascal3D+ as prepared for view prior learning: photographs of 224 pixels, rotations.

There is no test split: validation is the published evaluation.
"""

from svr3d.datasets import Pascal3DPlus
from svr3d.datasets.transforms import PackViews

data_root = "data/pascal3d"
categories = ["car"]
pipeline = [dict(type=PackViews, mask_channel=False)]

train_dataloader = dict(
    batch_size=128,
    num_workers=2,
    shuffle=True,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=Pascal3DPlus,
        data_root=data_root,
        split="train",
        categories=categories,
        voxels=False,
        pipeline=pipeline,
    ),
)
val_dataloader = test_dataloader = dict(
    batch_size=128,
    num_workers=2,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=Pascal3DPlus,
        data_root=data_root,
        split="val",
        categories=categories,
        pipeline=pipeline,
    ),
)
