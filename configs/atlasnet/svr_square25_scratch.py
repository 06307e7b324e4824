# SPDX-License-Identifier: Apache-2.0
"""AtlasNet for images, 25 squares, all trained at once; 38,197,899 parameters."""

from mmengine.config import read_base

from svr3d.models.templates import SquareTemplate

with read_base():
    from .svr_sphere_scratch import *

model.merge(dict(head=dict(template=dict(type=SquareTemplate), num_patches=25)))
