# SPDX-License-Identifier: Apache-2.0
"""Farthest-point sampling of point clouds."""

import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import TensorLike, check_clouds, check_lengths, check_size
from svr3d.ops._torch.farthest_points import farthest_points_torch


def farthest_points(
    points: TensorLike,
    count: int,
    *,
    lengths: TensorLike | None = None,
    start: int = 0,
) -> Tensor:
    """Picks points one by one, each the farthest from those already picked.

    Gonzalez, "Clustering to minimize the maximum intercluster distance" (1985); Eldar
    et al., "The farthest point strategy" (1997). Of points that are equally far the
    one of lowest index is taken; once every point is picked, index 0 repeats.

    Args:
        points: (B, N, 3) clouds, any floating dtype; half and bfloat16 are computed
            in float32.
        count: Points to pick per cloud, S.
        lengths: (B,) number of valid points per cloud; all N without it.
        start: Index of the point that is picked first.

    Returns:
        (B, S) int64 indices into ``points``.

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If a shape is wrong, a coordinate is not finite, or ``start`` lies
            outside a cloud.
    """
    points = check_clouds(points, "points").detach()
    lengths = check_lengths(lengths, points, "lengths")
    count = check_size(count, "count", low=0, high=2**31)
    start = check_size(start, "start", low=0, high=2**31)
    if not torch.compiler.is_compiling() and count and len(lengths):
        shortest = int(lengths.min())
        if start >= shortest:
            raise ValueError(
                f"start: expected an index below {shortest}, the number of points of "
                f"the smallest cloud, found {start}"
            )
    if points.dtype not in (torch.float32, torch.float64):
        points = points.float()
    if _library.has_kernel("farthest_points", points):
        return torch.ops.svr3d.farthest_points(points, lengths, count, start)
    return farthest_points_torch(points, lengths, count, start)


def _fake(points: Tensor, lengths: Tensor, count: int, start: int) -> Tensor:
    return points.new_empty((points.shape[0], count), dtype=torch.int64)


if _library.load():
    torch.library.register_fake("svr3d::farthest_points", _fake)
