# SPDX-License-Identifier: Apache-2.0
"""Batch norm of all sums of a point's and a sample's features, without the sums."""

import torch
from torch import Tensor, nn

from svr3d.models.layers.normalized_points import running_affine


def normalized_sums(points: Tensor, codes: Tensor, norm: nn.Module | None) -> Tensor:
    """Return the norm of ``points[None] + codes[:, None]``.

    Every point meets every sample, so the mean of the sums is the sum of the means,
    and so is the variance: both are known from the two small tensors, and so is what
    the norm adds to either. The sums are written once, normalised. In autocast they
    are written in half precision; what goes before is not.

    Args:
        points: (n, F), common to the samples.
        codes: (B, F).
        norm: Batch norm over F features, whose running statistics training updates;
            None for none.

    Returns:
        (B, n, F).
    """
    if norm is not None and type(norm) is not nn.BatchNorm1d:
        # Statistics over several processes, whose points differ.
        sums = points.unsqueeze(0) + codes.unsqueeze(1)
        return norm(sums.transpose(1, 2)).transpose(1, 2)
    if norm is not None:
        if norm.training:
            mean, variance = _moments(points, codes, norm)
            scale = norm.weight * torch.rsqrt(variance + norm.eps)
            shift = norm.bias - mean * scale
        else:
            scale, shift = running_affine(norm)
        points = torch.addcmul(shift, points, scale)
        codes = codes * scale
    device = points.device.type
    if torch.is_autocast_enabled(device):
        half = torch.get_autocast_dtype(device)
        points, codes = points.to(half), codes.to(half)
    return points.unsqueeze(0) + codes.unsqueeze(1)


def _moments(
    points: Tensor, codes: Tensor, norm: nn.BatchNorm1d
) -> tuple[Tensor, Tensor]:
    """Return mean and biased variance of the sums, and update the running ones."""
    mean = points.mean(0) + codes.mean(0)
    variance = points.var(0, correction=0) + codes.var(0, correction=0)
    count = len(points) * len(codes)
    with torch.no_grad():
        norm.num_batches_tracked.add_(1)
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(variance * (count / max(1, count - 1)), norm.momentum)
    return mean, variance
