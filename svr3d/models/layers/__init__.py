# SPDX-License-Identifier: Apache-2.0
"""Layers that several parts share."""

from svr3d.models.layers.initialization import initialize, initializers
from svr3d.models.layers.recurrent_batch_norm import RecurrentBatchNorm
from svr3d.models.layers.residual_blocks import ResidualBlock

__all__ = ["RecurrentBatchNorm", "ResidualBlock", "initialize", "initializers"]
