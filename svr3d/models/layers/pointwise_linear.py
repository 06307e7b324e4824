# SPDX-License-Identifier: Apache-2.0
"""One linear layer for every point."""

import torch.nn.functional as F
from torch import Tensor, nn

# Torch gives 1x1 convolutions on CPUs to oneDNN from this number of samples on, or
# with several threads; its matrix products are several times slower.
_SAMPLES = 16


def pointwise_linear(points: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return ``F.linear`` of features that lie last in memory, on CPUs faster.

    There it runs as a 1x1 convolution over a channels-last view of the same memory.

    Args:
        points: (..., in).
        weight: (out, in).
        bias: (out,) or None.

    Returns:
        (..., out).
    """
    if points.device.type != "cpu" or min(weight.shape) < 16 or not points.numel():
        return F.linear(points, weight, bias)
    rows = points.reshape(-1, points.shape[-1])
    groups = _SAMPLES if len(rows) % _SAMPLES == 0 else 1
    maps = as_maps(rows.view(groups, -1, rows.shape[1]))
    maps = F.conv2d(maps, weight[:, :, None, None], bias)
    return as_points(maps).reshape(*points.shape[:-1], -1)


def as_maps(points: Tensor) -> Tensor:
    """View features of points (B, T, C) as channels-last maps (B, C, 1, T)."""
    return points.transpose(1, 2).unsqueeze(2)


def as_points(maps: Tensor) -> Tensor:
    """View channels-last maps (B, C, 1, T) as features of points (B, T, C)."""
    return maps.squeeze(2).transpose(1, 2)


class PointwiseLinear(nn.Linear):
    """A linear layer on the last axis of features of points."""

    def forward(self, points: Tensor) -> Tensor:
        """Map each point's features.

        Args:
            points: (..., in_features).

        Returns:
            (..., out_features).
        """
        return pointwise_linear(points, self.weight, self.bias)
