# SPDX-License-Identifier: Apache-2.0
"""Decoder of points that each have features of their own."""

import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.models.layers.fc_block import FCBlock
from svr3d.models.layers.pointwise_linear import PointwiseLinear


@MODELS.register_module()
class LocalDecoder(nn.Module):
    """Residual linear layers; each block is told the point's features once more.

    Source: Peng et al., "Convolutional Occupancy Networks" (ECCV 2020), LocalDecoder
    ('simple_local') of autonomousvision/convolutional_occupancy_networks.
    """

    def __init__(
        self, features: int, *, hidden_features: int = 32, num_blocks: int = 5
    ):
        """Set up the decoder.

        Args:
            features: Length C of a point's features.
            hidden_features: Features H of a point in the blocks.
            num_blocks: Residual blocks.
        """
        super().__init__()
        self.features = features
        self.point_layer = PointwiseLinear(3, hidden_features)
        self.feature_layers = nn.ModuleList(
            PointwiseLinear(features, hidden_features) for _ in range(num_blocks)
        )
        self.blocks = nn.ModuleList(
            FCBlock(hidden_features, hidden_features) for _ in range(num_blocks)
        )
        self.output_layer = PointwiseLinear(hidden_features, 1)

    def forward(self, points: Tensor, features: Tensor) -> Tensor:
        """Answer at points.

        Args:
            points: (B, T, 3).
            features: (B, T, C).

        Returns:
            Logits (B, T).

        Raises:
            ValueError: If the features have another length.
        """
        if features.shape[-1] != self.features:
            raise ValueError(
                f"LocalDecoder: expected features of length {self.features}, found "
                f"{features.shape[-1]}"
            )
        x = self.point_layer(points)
        for layer, block in zip(self.feature_layers, self.blocks, strict=True):
            x = block(x + layer(features))
        return self.output_layer(F.relu(x)).squeeze(-1)
