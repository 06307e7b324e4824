# SPDX-License-Identifier: Apache-2.0
"""ShapeNet as Occupancy Networks published it, without augmentation, as its best model.

Training draws a view and 2,048 points of each object. Validation and testing take view
0 and, beside as many points for the loss, all points of the file for the IoU.
"""

from svr3d.datasets import OccNetDataset
from svr3d.datasets.transforms import PackViews, Resize

data_root = "data/occnet"

train_pipeline = [dict(type=Resize, size=224), dict(type=PackViews)]
test_pipeline = [dict(type=Resize, size=224), dict(type=PackViews)]

train_dataloader = dict(
    batch_size=64,
    num_workers=4,
    shuffle=True,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=OccNetDataset,
        data_root=data_root,
        split="train",
        view_selection="random",
        voxels_file=None,
        points=dict(num_points=2048, noise=1e-4),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=10,
    num_workers=4,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=OccNetDataset,
        data_root=data_root,
        split="val",
        points=dict(num_points=2048, iou_points=True, noise=1e-4),
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=4,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=OccNetDataset,
        data_root=data_root,
        split="test",
        points=dict(
            num_points=2048, iou_points=True, num_surface_points="all", noise=1e-4
        ),
        pipeline=test_pipeline,
    ),
)
