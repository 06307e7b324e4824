# SPDX-License-Identifier: Apache-2.0
"""One linear layer for every point."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PointwiseLinear(nn.Linear):
    """A linear layer on the last axis of (B, T, in_features).

    On CPUs it runs as a 1x1 convolution over a channels-last view of the same memory,
    for which torch takes a faster matrix product than for ``F.linear``.
    """

    def forward(self, points: Tensor) -> Tensor:
        """Map each point's features.

        Args:
            points: (B, T, in_features).

        Returns:
            (B, T, out_features).
        """
        if points.device.type != "cpu":
            return super().forward(points)
        maps = F.conv2d(as_maps(points), self.weight[:, :, None, None], self.bias)
        return as_points(maps)


def as_maps(points: Tensor) -> Tensor:
    """View features of points (B, T, C) as channels-last maps (B, C, 1, T)."""
    return points.transpose(1, 2).unsqueeze(2)


def as_points(maps: Tensor) -> Tensor:
    """View channels-last maps (B, C, 1, T) as features of points (B, T, C)."""
    return maps.contiguous(memory_format=torch.channels_last).squeeze(2).transpose(1, 2)
