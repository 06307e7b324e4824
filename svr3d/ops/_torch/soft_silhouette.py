# SPDX-License-Identifier: Apache-2.0
"""Soft silhouettes in plain torch: every face at every pixel of its image."""

import torch
from torch import Tensor


def pixel_grid(height: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Centres (width,) of columns and (height,) of rows, row 0 on top at y near +1."""
    x = (2 * torch.arange(width).to(like) + 1 - width) / width
    y = (2 * torch.arange(height).to(like) + 1 - height) / height
    return x, -y


def soft_silhouette_torch(
    vertices: Tensor,
    faces: Tensor,
    lengths: Tensor,
    height: int,
    width: int,
    sigma: float,
    radius: float,
) -> Tensor:
    """Same contract as ``torch.ops.svr3d.soft_silhouette``, differentiable by torch."""
    batch, count = len(vertices), faces.shape[1]
    faces = faces.expand(batch, -1, -1)
    rows = torch.arange(batch, device=vertices.device)[:, None, None]
    corners = vertices[rows, faces]  # (B, F, 3, 2)
    edges = corners.roll(-1, 2) - corners
    lengths_squared = edges.square().sum(-1)[..., None, None]
    x, y = pixel_grid(height, width, vertices)
    # (B, F, 3, H, W): from each corner to each pixel
    dx = (x - corners[..., 0, None]).unsqueeze(-2).expand(-1, -1, -1, height, -1)
    dy = (y - corners[..., 1, None]).unsqueeze(-1).expand(-1, -1, -1, -1, width)
    ex, ey = edges[..., 0, None, None], edges[..., 1, None, None]
    along = (dx * ex + dy * ey) / lengths_squared.where(lengths_squared > 0, 1)
    along = along.clamp(0, 1)
    distance = (dx - along * ex).square() + (dy - along * ey).square()
    squared = distance.amin(2) if count else distance.sum(2)
    area = edges[:, :, 0, 0] * edges[:, :, 1, 1] - edges[:, :, 0, 1] * edges[:, :, 1, 0]
    side = (ex * dy - ey * dx) * torch.where(area < 0, -1, 1)[..., None, None, None]
    perimeter = lengths_squared[..., 0, 0].sqrt().sum(-1)
    inner = (area / perimeter.where(perimeter > 0, 1)).square() * 1.001
    inside = (side >= 0).all(2) & (squared <= inner[..., None, None])
    valid = torch.arange(count, device=vertices.device) < lengths[:, None]
    seen = (inside | (squared < radius**2)) & valid[..., None, None]
    exponent = torch.where(inside, squared, -squared) / sigma
    free = torch.sigmoid(-exponent).where(seen, 1)
    return free.prod(1)
