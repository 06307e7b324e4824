# SPDX-License-Identifier: Apache-2.0
"""FoldNet of a square as the dispersion study trains it, viewer-centred; 13,286,470."""

from mmengine.config import read_base

from svr3d.models.heads import FoldNetHead
from svr3d.models.templates import SquareTemplate

with read_base():
    from .sphere_viewer import *

model.merge(
    dict(
        head=dict(
            _delete_=True,
            type=FoldNetHead,
            template=dict(type=SquareTemplate),
            code_features=1024,
            hidden_features=512,
            num_points=2500,
        )
    )
)
