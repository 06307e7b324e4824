# SPDX-License-Identifier: Apache-2.0
"""ShapeNet with one rendering of each model, whose yaw is limited.

The dispersion study has sets of 0, 15, 30, 45, 60, 75 and 90 degrees to either side,
and tests all networks on the images of 90; ``rendering_folder`` is the training set.
Images are not cropped or resized.
"""

from mmengine.config import read_base

from svr3d.datasets.transforms import DropAlpha, PackViews

with read_base():
    from .shapenet_atlasnet import *

rendering_folder = "ShapeNetV1RenderingAnglelimit/ShapeNetV1RenderingSampleYaw000/image"
test_renderings = "ShapeNetV1RenderingAnglelimit/ShapeNetV1RenderingSampleYaw090/image"
image_folder = "easy"
pipeline = [dict(type=DropAlpha), dict(type=PackViews)]

train_dataloader.merge(
    dict(
        batch_size=64,
        drop_last=True,
        dataset=dict(
            reader="each",
            views=(0, 0),
            rendering_folder=rendering_folder,
            image_folder=image_folder,
            pipeline=pipeline,
        ),
    )
)
val_dataloader.merge(
    dict(
        batch_size=64,
        dataset=dict(
            rendering_folder=test_renderings,
            image_folder=image_folder,
            pipeline=pipeline,
        ),
    )
)
test_dataloader.merge(
    dict(
        batch_size=64,
        dataset=dict(
            rendering_folder=test_renderings,
            image_folder=image_folder,
            pipeline=pipeline,
        ),
    )
)
