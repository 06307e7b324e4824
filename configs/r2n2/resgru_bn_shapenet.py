# SPDX-License-Identifier: Apache-2.0
"""Res3D-GRU-3 with batch norms on ShapeNet, the variant of the PyTorch port."""

from mmengine.config import read_base

from svr3d.metrics import VoxelIoU

with read_base():
    from .._base_.datasets.shapenet_choy import *
    from .._base_.models.choy_resgru_bn import *
    from .._base_.runtime.by_iteration import *
    from .._base_.schedules.adam_60000_iterations_port import *

train_dataloader.merge(dict(batch_size=20))

protocol = dict(
    split="80/20 of the sorted folders of 13 categories",
    views=5,
    view_selection="first",
    unit="32^3 voxels of the bounding box's cube",
    num_points=None,
    reference="Choy et al., ECCV 2016; heromanba/3D-R2N2-PyTorch",
)

val_evaluator = dict(type=VoxelIoU, thresholds=(0.2, 0.3, 0.4, 0.5))
test_evaluator = val_evaluator
