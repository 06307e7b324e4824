# SPDX-License-Identifier: Apache-2.0
"""Layers that several parts share."""

from svr3d.models.layers.initialization import initialize, initializers
from svr3d.models.layers.recurrent_batch_norm import RecurrentBatchNorm
from svr3d.models.layers.residual_blocks import ResidualBlock, pooled_size
from svr3d.models.layers.zero_insertion import ZeroInsertionConv3d, insert_zeros

__all__ = [
    "RecurrentBatchNorm",
    "ResidualBlock",
    "ZeroInsertionConv3d",
    "initialize",
    "initializers",
    "insert_zeros",
    "pooled_size",
]
