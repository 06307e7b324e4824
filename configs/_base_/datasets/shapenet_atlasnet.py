# SPDX-License-Identifier: Apache-2.0
"""ShapeNet as AtlasNet trains on it: a random view, cropped and mirrored, and a cloud.

Views 1 to 23 train, view 0 tests. The published program validates on what it tests;
``validation_share`` takes a validation split out of training.
"""

from svr3d.datasets import ShapeNetAtlasNet
from svr3d.datasets.transforms import (
    CenterCrop,
    DropAlpha,
    PackViews,
    RandomFlip,
    RandomWindow,
    Resize,
)

data_root = "data/atlasnet"
points = dict(num_points=2500, normalization="UnitBall")

train_pipeline = [
    dict(type=RandomWindow, size=127),
    dict(type=RandomFlip),
    dict(type=Resize, size=224),
    dict(type=DropAlpha),
    dict(type=PackViews),
]
test_pipeline = [
    dict(type=CenterCrop, image_size=(127, 127), crop_size=(127, 127)),
    dict(type=Resize, size=224),
    dict(type=DropAlpha),
    dict(type=PackViews),
]

train_dataloader = dict(
    batch_size=32,
    num_workers=4,
    shuffle=True,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetAtlasNet,
        data_root=data_root,
        split="train",
        reader="random",
        views=(1, 23),
        points=points,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=4,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetAtlasNet,
        data_root=data_root,
        split="test",
        reader="each",
        views=(0, 0),
        points=points,
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=32,
    num_workers=4,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetAtlasNet,
        data_root=data_root,
        split="test",
        reader="each",
        views=(0, 0),
        points=points,
        pipeline=test_pipeline,
    ),
)
