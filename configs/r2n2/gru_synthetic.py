# SPDX-License-Identifier: Apache-2.0
"""A narrow 3D-GRU on the embedded procedural objects, for two CPU cores."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.choy_gru_narrow import *
    from .._base_.runs.narrow_synthetic import *
