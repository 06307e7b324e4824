# SPDX-License-Identifier: Apache-2.0
"""ShapeNet as 3D-R2N2 published it, with the augmentation of Pix2Vox."""

from svr3d.datasets import ShapeNetR2N2
from svr3d.datasets.transforms import (
    CenterCrop,
    ColorJitter,
    PackViews,
    RandomBackground,
    RandomCrop,
    RandomFlip,
    RandomNoise,
    RandomPermuteRGB,
)

data_root = "data/shapenet"
num_views = 5

train_pipeline = [
    dict(type=RandomCrop, image_size=(127, 127), crop_size=(96, 96)),
    dict(type=RandomBackground, color_range=((225, 255), (225, 255), (225, 255))),
    dict(type=ColorJitter, brightness=0.4, contrast=0.4, saturation=0.4),
    dict(type=RandomNoise, std=0.1),
    dict(type=RandomFlip),
    dict(type=RandomPermuteRGB),
    dict(type=PackViews),
]
test_pipeline = [
    dict(type=CenterCrop, image_size=(127, 127), crop_size=(96, 96)),
    dict(type=RandomBackground, color_range=((240, 240), (240, 240), (240, 240))),
    dict(type=PackViews),
]

# The batch is that of all processes together; the sampler shares it out.
train_dataloader = dict(
    batch_size=30,
    num_workers=4,
    shuffle=True,
    drop_last=True,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetR2N2,
        data_root=data_root,
        split="train",
        num_views=num_views,
        view_selection="random",
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=4,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetR2N2,
        data_root=data_root,
        split="val",
        num_views=num_views,
        view_selection="first",
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=4,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetR2N2,
        data_root=data_root,
        split="test",
        num_views=num_views,
        view_selection="first",
        pipeline=test_pipeline,
    ),
)
