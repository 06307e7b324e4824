# SPDX-License-Identifier: Apache-2.0
"""A residual block of linear layers per point, with batch norms before them."""

from torch import Tensor, nn

from svr3d.models.layers.conditional_batch_norm import norm_and_activate, point_norm
from svr3d.models.layers.pointwise_linear import PointwiseLinear


class PointBlock(nn.Module):
    """x + second(relu(norm(first(relu(norm(x)))))); ``second`` starts at weight 0.

    Source: CResnetBlockConv1d and ResnetBlockConv1d in im2mesh/layers.py of
    autonomousvision/occupancy_networks.
    """

    def __init__(self, channels: int, *, code_features: int | None):
        """Set up the block.

        Args:
            channels: Features of a point, in and out.
            code_features: Length C of the codes that condition the norms; None for
                norms that no code conditions.
        """
        super().__init__()
        self.first_norm = point_norm(channels, code_features)
        self.first = PointwiseLinear(channels, channels)
        self.second_norm = point_norm(channels, code_features)
        self.second = PointwiseLinear(channels, channels)
        nn.init.zeros_(self.second.weight)

    def forward(
        self, points: Tensor, code: Tensor, *, training: bool | None = None
    ) -> Tensor:
        """Apply the block.

        Args:
            points: Features (B, T, channels).
            code: (B, C).
            training: Whether norms go by the statistics of the batch; None for what the
                block's mode says.

        Returns:
            (B, T, channels).
        """
        training = self.training if training is None else training
        x = norm_and_activate(self.first_norm, points, code, training=training)
        x = self.first(x)
        x = norm_and_activate(self.second_norm, x, code, training=training)
        return points + self.second(x)
