# SPDX-License-Identifier: Apache-2.0
"""AtlasNet for images, one sphere, all of it trained at once; 12,762,691 parameters."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.atlasnet import *
    from .._base_.runs.atlasnet import *
