# SPDX-License-Identifier: Apache-2.0
"""Single images of 64 pixels on black, with masks, of a data set in the R2N2 layout.

Training draws one of an object's views each time and is told nothing of its camera.
"""

from svr3d.datasets import ShapeNetR2N2
from svr3d.datasets.transforms import CenterCrop, PackViews, RandomBackground

data_root = "data/custom"
# The background comes before the crop, so that scaling blends edges with it.
single_image_pipeline = [
    dict(type=RandomBackground, color_range=((0, 0), (0, 0), (0, 0))),
    dict(type=CenterCrop, image_size=(64, 64), crop_size=(128, 128)),
    dict(type=PackViews),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    shuffle=True,
    drop_last=True,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetR2N2,
        data_root=data_root,
        split="train",
        num_views=1,
        view_selection="random",
        pipeline=single_image_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=0,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetR2N2,
        data_root=data_root,
        split="val",
        num_views=1,
        view_selection="first",
        points=dict(num_surface_points=1024),
        pipeline=single_image_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=16,
    num_workers=0,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetR2N2,
        data_root=data_root,
        split="test",
        num_views=1,
        view_selection="first",
        points=dict(num_surface_points=1024),
        pipeline=single_image_pipeline,
    ),
)
