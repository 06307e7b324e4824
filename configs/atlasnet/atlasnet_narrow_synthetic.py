# SPDX-License-Identifier: Apache-2.0
"""A narrow AtlasNet that sees several views, on the embedded procedural objects."""

from mmengine.config import read_base

with read_base():
    from .atlasnet_narrow_custom import *

data_root = "data/synthetic"
train_dataloader.merge(dict(dataset=dict(data_root=data_root)))
val_dataloader.merge(dict(dataset=dict(data_root=data_root)))
test_dataloader.merge(dict(dataset=dict(data_root=data_root)))
train_cfg.merge(dict(max_epochs=25))
protocol.merge(dict(split="ShapeNet.json of the procedural data set"))
