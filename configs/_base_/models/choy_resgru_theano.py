# SPDX-License-Identifier: Apache-2.0
"""Res3D-GRU-3 of 3D-R2N2 as the authors' Theano program wires it."""

from mmengine.config import read_base

with read_base():
    from .choy_resgru import *

# The last block's shortcut convolves what the block's last convolution reads; the
# port has it convolve what the path returns.
model.merge(
    dict(
        backbone=dict(initialization="theano"),
        fusion=dict(initialization="theano"),
        head=dict(
            shortcuts=("identity", "identity", "projection", "before_last"),
            initialization="theano",
        ),
    )
)
