# SPDX-License-Identifier: Apache-2.0
"""PSGN as the dispersion study trains it, viewer-centred; 16,602,508 parameters."""

from mmengine.config import read_base

from svr3d.models.heads import PSGNHead

with read_base():
    from .sphere_viewer import *

model.merge(
    dict(
        head=dict(
            _delete_=True,
            type=PSGNHead,
            code_features=1024,
            hidden_features=512,
            num_points=2500,
        )
    )
)
