# SPDX-License-Identifier: Apache-2.0
"""Pix2Vox-F: each view's volume, fused by scores of its context; narrow."""

from mmengine.config import read_base

from svr3d.engine.hooks.start_parts_hook import StartPartsHook

with read_base():
    from .._base_.models.pix2vox_f_narrow import *
    from .._base_.runs.narrow_custom import *

model.merge(dict(mirror_axis="x"))
custom_hooks = [dict(type=StartPartsHook, start_epochs=dict(fusion=0))]
