# SPDX-License-Identifier: Apache-2.0
"""Res3D-GRU-3 of 3D-R2N2 without norms: ResidualGRUNet as its PyTorch port wires it."""

from mmengine.config import read_base

with read_base():
    from .choy_gru import *

model.merge(
    dict(
        backbone=dict(
            shortcuts=(
                "none",
                "projection",
                "projection",
                "none",
                "projection",
                "identity",
            ),
            depth=2,
            activation="path",
            initialization="port",
        ),
        fusion=dict(initialization="port"),
        head=dict(
            depths=(2, 2, 2, 2),
            shortcuts=("identity", "identity", "projection", "after_last"),
            activation="path",
            initialization="port",
        ),
    )
)
