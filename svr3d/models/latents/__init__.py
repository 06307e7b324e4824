# SPDX-License-Identifier: Apache-2.0
"""Latent vectors that are inferred in training and drawn from a prior otherwise."""

from svr3d.models.latents.point_set_latent import PointSetLatent

__all__ = ["PointSetLatent"]
