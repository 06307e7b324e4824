# SPDX-License-Identifier: Apache-2.0
"""A narrow Pix2Vox-F on the embedded procedural objects, for two CPU cores."""

from mmengine.config import read_base

from svr3d.engine.hooks.start_parts_hook import StartPartsHook

with read_base():
    from .._base_.models.pix2vox_f_narrow import *
    from .._base_.runs.narrow_synthetic import *

custom_hooks = [dict(type=StartPartsHook, start_epochs=dict(fusion=0))]
protocol.merge(dict(reference="Xie et al., ICCV 2019, narrow variant"))
