# SPDX-License-Identifier: Apache-2.0
"""Point cloud encoders: layers per point with pooled features between them."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.layers.fc_block import FCBlock
from svr3d.registry import BACKBONES

_LAYERS = 4
_BLOCKS = 5


@BACKBONES.register_module()
class PointNetEncoder(nn.Module):
    """Linear layers per point; what all points share is put beside each in between.

    Source: ``pointnet_simple`` of Occupancy Networks (im2mesh/encoder/pointnet.py),
    after Qi et al., "PointNet" (CVPR 2017).

    Attributes:
        out_features: Length of the code.
    """

    def __init__(
        self, out_features: int = 128, *, in_features: int = 3, hidden: int = 128
    ):
        """Set up the encoder.

        Args:
            out_features: Length C of the code.
            in_features: Numbers per point, 3 for coordinates alone.
            hidden: Features per point behind the layers.
        """
        super().__init__()
        self.out_features = out_features
        self.fc_pos = nn.Linear(in_features, 2 * hidden)
        for index in range(_LAYERS):
            setattr(self, f"fc_{index}", nn.Linear(2 * hidden, hidden))
        self.fc_c = nn.Linear(hidden, out_features)

    def forward(self, points: Tensor) -> Tensor:
        """Encode point clouds.

        Args:
            points: (N, M, in_features).

        Returns:
            Codes, (N, out_features).

        Raises:
            ValueError: If the points are no such tensor.
        """
        x = self.fc_pos(_checked(points, self.fc_pos))
        for index in range(_LAYERS):
            x = getattr(self, f"fc_{index}")(F.relu(_beside(x) if index else x))
        return self.fc_c(F.relu(x.amax(dim=1)))


@BACKBONES.register_module()
class ResNetPointNetEncoder(nn.Module):
    """Residual blocks per point; what all points share is put beside each in between.

    Source: ``pointnet_resnet`` of Occupancy Networks (im2mesh/encoder/pointnet.py).

    Attributes:
        out_features: Length of the code.
    """

    def __init__(
        self, out_features: int = 128, *, in_features: int = 3, hidden: int = 128
    ):
        """Set up the encoder.

        Args:
            out_features: Length C of the code.
            in_features: Numbers per point, 3 for coordinates alone.
            hidden: Features per point behind the blocks.
        """
        super().__init__()
        self.out_features = out_features
        self.fc_pos = nn.Linear(in_features, 2 * hidden)
        for index in range(_BLOCKS):
            setattr(self, f"block_{index}", FCBlock(2 * hidden, hidden))
        self.fc_c = nn.Linear(hidden, out_features)

    def forward(self, points: Tensor) -> Tensor:
        """Encode point clouds.

        Args:
            points: (N, M, in_features).

        Returns:
            Codes, (N, out_features).

        Raises:
            ValueError: If the points are no such tensor.
        """
        x = self.fc_pos(_checked(points, self.fc_pos))
        for index in range(_BLOCKS):
            x = getattr(self, f"block_{index}")(_beside(x) if index else x)
        return self.fc_c(F.relu(x.amax(dim=1)))


def _beside(x: Tensor) -> Tensor:
    """Return each point's features with the largest of all points behind them."""
    return torch.cat([x, x.amax(dim=1, keepdim=True).expand_as(x)], dim=-1)


def _checked(points: Tensor, first: nn.Linear) -> Tensor:
    if points.dim() != 3 or points.shape[1] < 1 or points.shape[2] != first.in_features:
        raise ValueError(
            f"points: expected (N, M, {first.in_features}) with at least one point, "
            f"found {tuple(points.shape)}"
        )
    return points
