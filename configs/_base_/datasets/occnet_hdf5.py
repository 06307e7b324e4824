# SPDX-License-Identifier: Apache-2.0
"""ShapeNet in HDF5 files as Occupancy Networks' Lightning version reads it.

All splits draw a view and their points; a tenth to a third of training and validation
points lie inside.
"""

from svr3d.datasets import OccNetHDF5
from svr3d.datasets.transforms import DivideByMaximum, PackViews

data_root = "data/occnet_hdf5"

pipeline = [dict(type=DivideByMaximum), dict(type=PackViews)]
balanced_points = dict(num_points=1024, replace=False, inside_share=(0.1, 0.35))

# The program trains on subtrain.lst, which its converter does not make.
train_dataloader = dict(
    batch_size=64,
    num_workers=4,
    shuffle=True,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=OccNetHDF5,
        data_root=data_root,
        split="train",
        points=balanced_points,
        pipeline=pipeline,
    ),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=4,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=OccNetHDF5,
        data_root=data_root,
        split="val",
        points=balanced_points,
        pipeline=pipeline,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=4,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=OccNetHDF5,
        data_root=data_root,
        split="test",
        points=dict(num_points=2048, replace=False, num_surface_points="all"),
        pipeline=pipeline,
    ),
)
