# SPDX-License-Identifier: Apache-2.0
"""Res3D-GRU-3, trained on ShapeNet, tested on Pix3D's fully visible chairs.

svr3d pix3d-voxels data/pix3d --categories chair
tools/test.py configs/r2n2/res3dgru_pix3d.py CHECKPOINT
"""

from mmengine.config import read_base

from svr3d.metrics import VoxelIoU

with read_base():
    from .._base_.datasets.pix3d import *
    from .._base_.models.res3dgru import *
    from .._base_.runtime.default import *
    from .._base_.schedules.test_only import *

test_dataloader.merge(
    dict(
        dataset=dict(
            split_file=None,
            categories=["chair"],
            exclude=["truncated", "occluded", "slightly_occluded"],
        )
    )
)

protocol = dict(
    split="Pix3D, chairs that are not truncated, occluded or slightly occluded",
    views=1,
    view_selection="first",
    unit="32^3 voxels of the bounding box's cube",
    num_points=None,
    reference="Sun et al., CVPR 2018; list of Pix2Vox: 2,894 chairs",
)

test_evaluator = dict(type=VoxelIoU, thresholds=(0.2, 0.3, 0.4, 0.5))
