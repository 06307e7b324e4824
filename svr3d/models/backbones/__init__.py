# SPDX-License-Identifier: Apache-2.0
"""Image encoders."""

from svr3d.models.backbones.residual_encoder import ResidualEncoder

__all__ = ["ResidualEncoder"]
