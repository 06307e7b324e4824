# SPDX-License-Identifier: Apache-2.0
"""A narrow Res3D-GRU on the embedded procedural objects, for two CPU cores."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.res3dgru_narrow import *
    from .._base_.runs.narrow_synthetic import *
