# SPDX-License-Identifier: Apache-2.0
"""ShapeNet with the split, crops and batches of the authors' program of 3D-R2N2.

Each training batch draws its number of views; the views of an object are distinct,
where the program draws them with replacement. It validates on 24 batches of the test
portion, having no third one.
"""

from svr3d.datasets import ShapeNetR2N2
from svr3d.datasets.transforms import PackViews, R2N2Preprocess
from svr3d.engine.samplers import GlobalBatchSampler, GlobalSampler

data_root = "data/shapenet"
num_views = 5

train_pipeline = [dict(type=R2N2Preprocess, training=True), dict(type=PackViews)]
test_pipeline = [
    dict(
        type=R2N2Preprocess,
        training=False,
        color_range=((240, 240), (240, 240), (240, 240)),
    ),
    dict(type=PackViews),
]

train_dataloader = dict(
    batch_size=24,
    num_workers=4,
    sampler=dict(type=GlobalSampler),
    batch_sampler=dict(type=GlobalBatchSampler, drop_last=True, num_views=(1, 5)),
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetR2N2,
        data_root=data_root,
        split="train",
        portion=(0.0, 0.8),
        num_views=num_views,
        view_selection="random",
        pipeline=train_pipeline,
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
        portion=(0.8, 1.0),
        num_views=num_views,
        view_selection="first",
        pipeline=test_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=4,
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type=ShapeNetR2N2,
        data_root=data_root,
        split="test",
        portion=(0.8, 1.0),
        num_views=num_views,
        view_selection="first",
        max_samples=24 * 24,
        pipeline=test_pipeline,
    ),
)
