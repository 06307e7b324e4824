# SPDX-License-Identifier: Apache-2.0
"""A narrow Res3D-GRU on a data set that ``build_dataset --variants 4`` made.

tools/train.py configs/r2n2/res3dgru_custom_variants.py \\
    --cfg-options data_root=data/mine
"""

from mmengine.config import read_base

with read_base():
    from .res3dgru_custom import *

# Deformed copies join the training objects only; all else is as in the plain list.
train_dataloader.merge(dict(dataset=dict(split_file="ShapeNet_variants.json")))
train_cfg.merge(dict(max_epochs=27, val_interval=3))
