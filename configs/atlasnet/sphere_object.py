# SPDX-License-Identifier: Apache-2.0
"""AtlasNet of one sphere as the dispersion study trains it, object-centred."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.atlasnet import *
    from .._base_.runs.dispersion_shapes import *
