# SPDX-License-Identifier: Apache-2.0
"""Farthest-point sampling in plain torch."""

import torch
from torch import Tensor


def farthest_points_torch(
    points: Tensor, lengths: Tensor, count: int, start: int
) -> Tensor:
    """Same contract as ``torch.ops.svr3d.farthest_points``; one step per point."""
    batch, size, _ = points.shape
    indices = torch.empty(batch, count, dtype=torch.int64, device=points.device)
    if batch == 0 or count == 0:
        return indices
    rows = torch.arange(batch, device=points.device)
    padding = torch.arange(size, device=points.device) >= lengths[:, None]
    nearest = points.new_full((batch, size), float("inf"))
    nearest[padding] = -1
    last = torch.full((batch,), start, device=points.device)
    for n in range(count):
        indices[:, n] = last
        distance = (points - points[rows, last][:, None]).square()
        distance = distance[..., 0] + distance[..., 1] + distance[..., 2]
        nearest = torch.minimum(nearest, distance)
        # argmax does not promise the first of equal values on every device.
        first = (nearest == nearest.amax(1, keepdim=True)).byte()
        last = first.cumsum(1).eq(1).logical_and(first.bool()).byte().argmax(1)
    return indices
