# SPDX-License-Identifier: Apache-2.0
"""Image encoders."""

from svr3d.models.backbones.feature_map_encoder import FeatureMapEncoder
from svr3d.models.backbones.residual_encoder import ResidualEncoder
from svr3d.models.backbones.vgg_features import VGGFeatures

__all__ = ["FeatureMapEncoder", "ResidualEncoder", "VGGFeatures"]
