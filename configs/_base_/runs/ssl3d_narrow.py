# SPDX-License-Identifier: Apache-2.0
"""A run of self-supervised point clouds of minutes, for own data and two CPU cores.

Encoders of half the width, four times the published batch, a twentieth of the
iterations, and a rate that ends at nothing. Azimuths are compared around the circle,
and projected points are pulled to the masks by their Chamfer distance.
"""

from mmengine.config import read_base
from mmengine.optim import CosineAnnealingLR

from svr3d.metrics import AlignedPointDistances
from svr3d.models.backbones import SameConvEncoder
from svr3d.models.losses import SilhouetteChamfer

with read_base():
    from ..datasets.single_images_r2n2 import *
    from ..models.ssl3d import *
    from ..runtime.by_iteration import *
    from ..schedules.adam_ssl3d import *

train_cfg.merge(dict(max_iters=10_000, val_interval=2000))
optim_wrapper.merge(
    dict(shape=dict(optimizer=dict(lr=1e-3)), pose=dict(optimizer=dict(lr=1e-3)))
)
param_scheduler = [
    dict(type=CosineAnnealingLR, eta_min=0.0, T_max=10_000, by_epoch=False)
]

narrow = dict(type=SameConvEncoder, widths=(16, 32, 64, 128))
# Cameras of build_dataset in this layout: 1.36 diagonals away on average, a lens of
# 35 mm of which the crop leaves 64 of 68.5 pixels, and a narrow band of elevations.
model.merge(
    dict(
        shape=dict(
            backbone=narrow,
            color_backbone=dict(type=SameConvEncoder, widths=(16, 32), kernels=(3, 3)),
        ),
        pose=dict(backbone=narrow),
        renderer=dict(distance=1.36, focal_over_side=1.17),
        elevations=(25.0, 30.0),
        losses=dict(pose_cycle=dict(wrap=True), spread=dict(type=SilhouetteChamfer)),
        # The published weight of the shape's cycle keeps all shapes alike for longer
        # than a short run lasts.
        shape_weights=dict(shape_cycle=1e3, spread=3e3),
        pose_weights=dict(spread=100.0),
    )
)

default_hooks.merge(
    dict(logger=dict(interval=50), checkpoint=dict(save_best=None, interval=2000))
)
log_processor.merge(dict(window_size=50))

protocol = dict(
    split="ShapeNet.json of the data set",
    views=1,
    view_selection="first",
    unit="longest side of each cloud",
    num_points=1024,
    reference="Navaneet et al., CVPR 2020, short run",
)

# Each evaluation fits its rotation; see ssl3d.py.
val_evaluator = dict(type=AlignedPointDistances)
test_evaluator = dict(type=AlignedPointDistances, emd_points=1024)
