# SPDX-License-Identifier: Apache-2.0
"""Pipelines for small networks: images of 64 pixels and mild augmentation.

Pix2Vox mirrors images without their volumes and permutes colour channels. Both cost
IoU where there are only hundreds of objects, so they are left out here.
"""

from svr3d.datasets.transforms import (
    CenterCrop,
    ColorJitter,
    PackViews,
    RandomBackground,
)

small_train_pipeline = [
    dict(type=CenterCrop, image_size=(64, 64), crop_size=(96, 96)),
    dict(type=RandomBackground, color_range=((225, 255), (225, 255), (225, 255))),
    dict(type=ColorJitter, brightness=0.4, contrast=0.4, saturation=0.4),
    dict(type=PackViews),
]
small_test_pipeline = [
    dict(type=CenterCrop, image_size=(64, 64), crop_size=(96, 96)),
    dict(type=RandomBackground, color_range=((240, 240), (240, 240), (240, 240))),
    dict(type=PackViews),
]
