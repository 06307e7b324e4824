# SPDX-License-Identifier: Apache-2.0
"""Plain encoder, 3D-GRU over views, plain decoder; narrow."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.choy_gru_narrow import *
    from .._base_.runs.narrow_custom import *

# Mirrored views at test, as for the others.
model.merge(dict(mirror_axis="x"))
