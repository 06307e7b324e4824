# SPDX-License-Identifier: Apache-2.0
"""Pix3D's photographs, cropped around their boxes, for evaluation."""

from svr3d.datasets import Pix3D
from svr3d.datasets.transforms import CenterCrop, PackViews, RandomBackground

data_root = "data/pix3d"

test_pipeline = [
    dict(type=CenterCrop, image_size=(127, 127), crop_size=(96, 96)),
    dict(type=RandomBackground, color_range=((240, 240), (240, 240), (240, 240))),
    dict(type=PackViews),
]

test_dataloader = dict(
    batch_size=8,
    num_workers=4,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=Pix3D,
        data_root=data_root,
        split="test",
        split_file="Pix3D.json",
        masks="alpha",
        pipeline=test_pipeline,
    ),
)
