# SPDX-License-Identifier: Apache-2.0
"""Voxel IoU of predicted meshes by the rule of the neural mesh renderer's data.

Meshes shrink by one cell of the 32 and are voxelised by what can be seen. Of several
categories the published figure is ``voxel/iou_category_mean``. Data of ``Pascal3D``
take ``scale=1 / 2``: their grids span a cube from -1 to 1.
"""

from svr3d.metrics import VoxelIoU

val_evaluator = test_evaluator = dict(
    type=VoxelIoU,
    thresholds=(0.5,),
    bce_weight=None,
    mesh_voxels=dict(mode="visibility", scale=31 / 32),
)
