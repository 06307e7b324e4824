# SPDX-License-Identifier: Apache-2.0
"""ShapeNet as 3D-R2N2 published it, as Pix2Vox cuts it: 224 pixels, one view."""

from mmengine.config import read_base

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

with read_base():
    from .shapenet_r2n2 import *

num_views = 1

train_pipeline = [
    dict(type=RandomCrop, image_size=(224, 224), crop_size=(128, 128)),
    dict(type=RandomBackground, color_range=((225, 255), (225, 255), (225, 255))),
    dict(type=ColorJitter, brightness=0.4, contrast=0.4, saturation=0.4),
    dict(type=RandomNoise, std=0.1),
    dict(type=RandomFlip),
    dict(type=RandomPermuteRGB),
    dict(type=PackViews),
]
test_pipeline = [
    dict(type=CenterCrop, image_size=(224, 224), crop_size=(128, 128)),
    dict(type=RandomBackground, color_range=((240, 240), (240, 240), (240, 240))),
    dict(type=PackViews),
]

train_dataloader.merge(
    dict(batch_size=64, dataset=dict(pipeline=train_pipeline, num_views=num_views))
)
val_dataloader.merge(dict(dataset=dict(pipeline=test_pipeline, num_views=num_views)))
test_dataloader.merge(dict(dataset=dict(pipeline=test_pipeline, num_views=num_views)))
