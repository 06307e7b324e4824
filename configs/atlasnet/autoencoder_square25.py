# SPDX-License-Identifier: Apache-2.0
"""AtlasNet's autoencoder of 25 squares; 28,742,475 parameters."""

from mmengine.config import read_base

from svr3d.models.templates import SquareTemplate

with read_base():
    from .autoencoder_sphere import *

model.merge(dict(head=dict(template=dict(type=SquareTemplate), num_patches=25)))
