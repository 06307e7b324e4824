# SPDX-License-Identifier: Apache-2.0
"""Networks: backbones, view fusion, heads, losses, reconstructors."""

from svr3d.models import (
    adversaries,
    backbones,
    data_preprocessors,
    decoders,
    fusion,
    heads,
    latents,
    layers,
    losses,
    perceptual_features,
    point_networks,
    reconstructors,
    refiners,
    templates,
)

__all__ = [
    "adversaries",
    "backbones",
    "data_preprocessors",
    "decoders",
    "fusion",
    "heads",
    "latents",
    "layers",
    "losses",
    "perceptual_features",
    "point_networks",
    "reconstructors",
    "refiners",
    "templates",
]
