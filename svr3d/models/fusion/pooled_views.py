# SPDX-License-Identifier: Apache-2.0
"""Fusions of views that do not depend on their order."""

from mmengine.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class MeanViewFusion(nn.Module):
    """Mean of the views' features."""

    def forward(self, features: Tensor) -> Tensor:
        """Average over views.

        Args:
            features: (B, V, C).

        Returns:
            (B, C).
        """
        return features.mean(dim=1)


@MODELS.register_module()
class MaxViewFusion(nn.Module):
    """Element-wise maximum of the views' features (Su et al., MVCNN, ICCV 2015)."""

    def forward(self, features: Tensor) -> Tensor:
        """Take the maximum over views.

        Args:
            features: (B, V, C).

        Returns:
            (B, C).
        """
        return features.amax(dim=1)
