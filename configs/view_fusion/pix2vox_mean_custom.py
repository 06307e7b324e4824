# SPDX-License-Identifier: Apache-2.0
"""Pix2Vox-F with the mean of the views' volumes in place of scores; narrow."""

from mmengine.config import read_base

from svr3d.models.fusion import MeanViewFusion

with read_base():
    from .pix2vox_f_custom import *

model.merge(dict(fusion=dict(_delete_=True, type=MeanViewFusion)))
custom_hooks = []
