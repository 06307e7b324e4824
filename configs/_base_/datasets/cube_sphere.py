# SPDX-License-Identifier: Apache-2.0
"""The cube-sphere set of the dispersion study, made by ``svr3d make-cube-sphere``.

Training sets with controlled dispersion are the lists
``cluster_{image,shape}_aug_2by10_cltsize{01,05,10,15,20,25,30,35}.json``. The first
channel of the images is blue, as published; the pictures themselves are grey.
"""

from svr3d.datasets import CubeSphere
from svr3d.datasets.transforms import PackViews

data_root = "data/cubesphere_1000"

pipeline = [dict(type=PackViews)]
points = dict(num_points=2500, replace=False, normalization="UnitBall")

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    shuffle=True,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=CubeSphere,
        data_root=data_root,
        split="train",
        list_file="cluster_image_aug_2by10_cltsize01.json",
        points=points,
        channel_order="bgr",
        pipeline=pipeline,
    ),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=0,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=CubeSphere,
        data_root=data_root,
        split="val",
        list_file="val_interp_1000.json",
        points=points,
        channel_order="bgr",
        pipeline=pipeline,
    ),
)
test_dataloader = dict(
    batch_size=64,
    num_workers=0,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=CubeSphere,
        data_root=data_root,
        split="test",
        list_file="test_interp_1000.json",
        points=points,
        channel_order="bgr",
        pipeline=pipeline,
    ),
)
