# SPDX-License-Identifier: Apache-2.0
"""A whole run of any narrow model on a data set that ``build_dataset`` made.

Each batch draws its number of views, so that one network serves one view and several.
"""

from mmengine.config import read_base

from svr3d.engine.samplers import GlobalBatchSampler, GlobalSampler

with read_base():
    from .narrow_synthetic import *

data_root = "data/custom"
# The batch sampler shuffles and drops by itself.
train_dataloader.pop("shuffle")
train_dataloader.pop("drop_last")
train_dataloader.merge(
    dict(
        sampler=dict(type=GlobalSampler),
        batch_sampler=dict(type=GlobalBatchSampler, drop_last=True, num_views=(1, 5)),
        dataset=dict(data_root=data_root),
    )
)
val_dataloader.merge(dict(dataset=dict(data_root=data_root)))
test_dataloader.merge(dict(dataset=dict(data_root=data_root)))

train_cfg.merge(dict(max_epochs=50))
protocol.merge(dict(split="ShapeNet.json of the data set"))
