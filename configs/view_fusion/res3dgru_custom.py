# SPDX-License-Identifier: Apache-2.0
"""Residual encoder, 3D-GRU over views, residual decoder; narrow."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.res3dgru_narrow import *
    from .._base_.runs.narrow_custom import *
