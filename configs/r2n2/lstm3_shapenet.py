# SPDX-License-Identifier: Apache-2.0
"""3D-LSTM-3 on ShapeNet: memory without output gate, kernels of 3^3.

Published only as equations and results; all but the unit is that of 3D-GRU-3.
"""

from mmengine.config import read_base

from svr3d.models.fusion import LSTM3D

with read_base():
    from .gru_shapenet import *

model.merge(
    dict(
        fusion=dict(
            _delete_=True,
            type=LSTM3D,
            in_features=1024,
            channels=128,
            grid_size=4,
            kernel_size=3,
            initialization="theano",
        )
    )
)
