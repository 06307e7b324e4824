# SPDX-License-Identifier: Apache-2.0
"""AtlasNet of 25 squares as the dispersion study trains it, viewer-centred."""

from mmengine.config import read_base

from svr3d.models.templates import SquareTemplate

with read_base():
    from .sphere_viewer import *

model.merge(dict(head=dict(template=dict(type=SquareTemplate), num_patches=25)))
