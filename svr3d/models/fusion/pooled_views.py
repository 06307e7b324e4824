# SPDX-License-Identifier: Apache-2.0
"""Fusions of views that do not depend on their order."""

from mmengine.registry import MODELS
from torch import Tensor

from svr3d.models.fusion.view_pooling import ViewPooling


@MODELS.register_module()
class MeanViewFusion(ViewPooling):
    """Mean of the views' features."""

    def forward(self, features: Tensor, context: Tensor | None = None) -> Tensor:
        """Average over views.

        Args:
            features: (B, V, ...).
            context: Unused; all views count alike.

        Returns:
            (B, ...).
        """
        return features.mean(dim=1)


@MODELS.register_module()
class MaxViewFusion(ViewPooling):
    """Element-wise maximum of the views' features (Su et al., MVCNN, ICCV 2015)."""

    def forward(self, features: Tensor, context: Tensor | None = None) -> Tensor:
        """Take the maximum over views.

        Args:
            features: (B, V, ...).
            context: Unused; the features themselves decide.

        Returns:
            (B, ...).
        """
        return features.amax(dim=1)
