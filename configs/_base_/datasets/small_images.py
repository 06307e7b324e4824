# SPDX-License-Identifier: Apache-2.0
"""Pipelines for small networks: images of 64 pixels, mirrored objects.

Pix2Vox also jitters colours, permutes channels and mirrors images without their
volumes. Jitter makes short runs fit worse (docs/results/meshes.md), and a mirrored view
contradicts its target, so whole objects are mirrored instead. The background comes
before the crop, so that scaling blends thin parts with it.
"""

from svr3d.datasets.transforms import (
    CenterCrop,
    PackViews,
    RandomBackground,
    RandomMirror,
)

small_train_pipeline = [
    dict(type=RandomMirror, axis="x"),
    dict(type=RandomBackground, color_range=((225, 255), (225, 255), (225, 255))),
    dict(type=CenterCrop, image_size=(64, 64), crop_size=(128, 128)),
    dict(type=PackViews),
]
small_test_pipeline = [
    dict(type=RandomBackground, color_range=((240, 240), (240, 240), (240, 240))),
    dict(type=CenterCrop, image_size=(64, 64), crop_size=(128, 128)),
    dict(type=PackViews),
]
