# SPDX-License-Identifier: Apache-2.0
"""A narrow occupancy network on any data set that ``build_dataset`` made.

tools/train.py configs/occnet/onet_narrow_custom.py --cfg-options data_root=data/mine
"""

from mmengine.config import read_base

with read_base():
    from .onet_narrow_synthetic import *

data_root = "data/custom"
train_dataloader.merge(dict(dataset=dict(data_root=data_root)))
val_dataloader.merge(dict(dataset=dict(data_root=data_root)))
test_dataloader.merge(dict(dataset=dict(data_root=data_root)))

train_cfg.merge(dict(max_epochs=115))
protocol.merge(dict(split="ShapeNet.json of the data set"))
