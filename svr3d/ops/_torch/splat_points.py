# SPDX-License-Identifier: Apache-2.0
"""Splatting of point clouds in plain torch: every point at every pixel."""

import torch
from torch import Tensor

_FARTHEST = 10.0  # depths are clipped here; such points are not seen


def _pixels(size: int, like: Tensor) -> Tensor:
    return torch.arange(size).to(like)


def _valid(points: Tensor, lengths: Tensor) -> Tensor:
    return torch.arange(points.shape[1], device=points.device) < lengths[:, None]


def splat_silhouettes_torch(
    points: Tensor,
    lengths: Tensor,
    height: int,
    width: int,
    sharpness: float,
    reach: float,
) -> Tensor:
    """Same contract as ``torch.ops.svr3d.splat_silhouettes``; one matrix product."""
    rows = points[..., 0, None] - _pixels(height, points)
    columns = points[..., 1, None] - _pixels(width, points)
    a = torch.exp(-sharpness * rows.square()).where(rows.abs() <= reach, 0)
    b = torch.exp(-sharpness * columns.square()).where(columns.abs() <= reach, 0)
    a = a.where(_valid(points, lengths)[..., None], 0)
    return torch.tanh(a.mT @ b)


def splat_features_torch(
    points: Tensor,
    features: Tensor,
    lengths: Tensor,
    height: int,
    width: int,
    well: float,
    beta: float,
) -> tuple[Tensor, Tensor]:
    """Same contract as ``torch.ops.svr3d.splat_features``: a dense softmax."""
    u, v, z = (points[..., i, None, None] for i in range(3))
    inside_rows = (u - _pixels(height, points)[:, None]).abs() <= well
    inside_columns = (v - _pixels(width, points)).abs() <= well
    depth = (z + 1) * torch.where(inside_rows, 1, 10)
    depth = (depth * torch.where(inside_columns, 1, 10)).clamp(0, _FARTHEST)
    valid = _valid(points, lengths)[..., None, None]
    claim = (beta / (depth + 1e-5)).where(valid, -torch.inf)
    seen = (depth < _FARTHEST) & valid
    if points.shape[1] == 0:
        size = (len(points), height, width)
        return features.new_zeros(*size, features.shape[2]), points.new_zeros(*size, 2)
    largest = claim.detach().amax(1).where(seen.any(1), 0)
    e = torch.exp(claim - largest[:, None]).where(valid, 0)
    mass = e.where(seen, 0).sum(1)
    inverse = 1 / (mass + 1e-8 * e.sum(1)).where(seen.any(1), 1)
    inverse = inverse.where(seen.any(1), 0)
    image = torch.einsum("bnhw,bnf->bhwf", e.where(seen, 0), features)
    stats = torch.stack((largest, inverse.detach()), -1)
    return image * inverse[..., None], stats
