# SPDX-License-Identifier: Apache-2.0
"""Batch norm whose scale and shift follow from a code."""

import torch
from torch import Tensor, nn

from svr3d.models.layers.pointwise_linear import as_maps, as_points


class ConditionalBatchNorm(nn.Module):
    """Normalises features of points; each object's code gives the scale and shift.

    gamma(c) * (x - mean) / sqrt(variance + eps) + beta(c), where mean and variance are
    those of all points of all objects of the batch, or in evaluation the running ones.
    At initialisation gamma = 1 and beta = 0 for every code. Source: Mescheder et al.,
    "Occupancy Networks" (CVPR 2019), and CBatchNorm1d in im2mesh/layers.py of
    autonomousvision/occupancy_networks.
    """

    def __init__(
        self,
        code_features: int,
        channels: int,
        *,
        eps: float = 1e-5,
        momentum: float = 0.1,
    ):
        """Set up the layer.

        Args:
            code_features: Length C of a code.
            channels: Features F of a point.
            eps: Added to the variance.
            momentum: Weight of a batch in the running statistics.
        """
        super().__init__()
        self.gamma = nn.Linear(code_features, channels)
        self.beta = nn.Linear(code_features, channels)
        self.norm = nn.BatchNorm1d(channels, eps=eps, momentum=momentum, affine=False)
        nn.init.zeros_(self.gamma.weight)
        nn.init.ones_(self.gamma.bias)
        nn.init.zeros_(self.beta.weight)
        nn.init.zeros_(self.beta.bias)

    def affine(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the layer is in evaluation: x * scale + shift.

        Args:
            code: (B, C).

        Returns:
            Scale and shift, (B, F) each.
        """
        scale = self.gamma(code) * torch.rsqrt(self.norm.running_var + self.norm.eps)
        return scale, self.beta(code) - scale * self.norm.running_mean

    def forward(self, points: Tensor, code: Tensor) -> Tensor:
        """Normalise.

        Args:
            points: Features (B, T, F).
            code: (B, C).

        Returns:
            (B, T, F).
        """
        if self.training:
            # Maps, as batch norm is slow on features that lie last in memory.
            points = as_points(batch_norm(self.norm, as_maps(points)))
            scale, shift = self.gamma(code), self.beta(code)
        else:
            scale, shift = self.affine(code)
        return torch.addcmul(shift.unsqueeze(1), points, scale.unsqueeze(1))


def batch_norm(norm: nn.BatchNorm1d, maps: Tensor) -> Tensor:
    """Apply a batch norm in training to maps (B, C, 1, T)."""
    norm.num_batches_tracked.add_(1)
    return torch.nn.functional.batch_norm(
        maps,
        norm.running_mean,
        norm.running_var,
        norm.weight,
        norm.bias,
        training=True,
        momentum=norm.momentum,
        eps=norm.eps,
    )
