# SPDX-License-Identifier: Apache-2.0
"""Batch norms of features of points, with the activation that follows them."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from svr3d.models.layers.normalized_points import normalize_points


class ConditionalBatchNorm(nn.Module):
    """Batch norm of features of points; each object's code gives the scale and shift.

    gamma(c) * (x - mean) / sqrt(variance + eps) + beta(c), where mean and variance are
    those of all points of all objects of the batch, or in evaluation the running ones.
    At initialisation gamma = 1 and beta = 0 for every code. :func:`norm_and_activate`
    applies it. Source: Mescheder et al., "Occupancy Networks" (CVPR 2019), and
    CBatchNorm1d in im2mesh/layers.py of autonomousvision/occupancy_networks.
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

    def forward(self, points: Tensor, code: Tensor) -> Tensor:
        """Normalise, without an activation.

        Args:
            points: Features (B, T, F).
            code: (B, C).

        Returns:
            (B, T, F).
        """
        return norm_and_activate(self, points, code, slope=1.0, training=self.training)


def point_norm(channels: int, code_features: int | None) -> nn.Module:
    """Return a norm for features of points, conditioned on codes if they have a length.

    Args:
        channels: Features of a point.
        code_features: Length C of the codes, or None.
    """
    if code_features is None:
        return nn.BatchNorm1d(channels)
    return ConditionalBatchNorm(code_features, channels)


def norm_and_activate(
    norm: nn.Module,
    points: Tensor,
    code: Tensor,
    *,
    slope: float = 0.0,
    training: bool,
) -> Tensor:
    """Normalise features of points and apply a LeakyReLU.

    Args:
        norm: What :func:`point_norm` returned.
        points: Features (B, T, F).
        code: (B, C), of which only B matters to a norm that is not conditioned.
        slope: Negative slope of the activation; 0 makes it a ReLU.
        training: Whether by the statistics of the batch, or the running ones.

    Returns:
        (B, T, F).
    """
    if not training:
        scale, shift = steady_affine(norm, code)
        x = torch.addcmul(shift.unsqueeze(1), points, scale.unsqueeze(1))
        return F.leaky_relu(x, slope)
    if isinstance(norm, ConditionalBatchNorm):
        affine = norm.gamma(code), norm.beta(code)
        return normalize_points(points, norm.norm, slope, affine)
    return normalize_points(points, norm, slope)


def steady_affine(norm: nn.Module, code: Tensor) -> tuple[Tensor, Tensor]:
    """Return what a norm is by its running statistics: x * scale + shift.

    Args:
        norm: What :func:`point_norm` returned.
        code: (B, C).

    Returns:
        Scale and shift, (B, F) each.
    """
    if isinstance(norm, ConditionalBatchNorm):
        gamma, beta, norm = norm.gamma(code), norm.beta(code), norm.norm
    else:
        gamma, beta = (v.expand(len(code), -1) for v in (norm.weight, norm.bias))
    scale = gamma * torch.rsqrt(norm.running_var + norm.eps)
    return scale, beta - scale * norm.running_mean
