# SPDX-License-Identifier: Apache-2.0
"""3D-GRU-1 on ShapeNet: 3D-GRU-3 with recurrent kernels of 1^3."""

from mmengine.config import read_base

with read_base():
    from .gru_shapenet import *

model.merge(dict(fusion=dict(kernel_size=1)))
