# SPDX-License-Identifier: Apache-2.0
"""Earth mover distance: clouds matched point by point, one to one."""

from typing import Literal

import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import (
    TensorLike,
    check_choice,
    check_cloud_pair,
    check_lengths,
)
from svr3d.ops._torch.match_points import match_points_torch, pair_costs
from svr3d.ops._torch.nearest_neighbors import gather_points, squared_lengths
from svr3d.ops.chamfer_distance import mean_over_points, root

_MOST_POINTS = {"auction": 1 << 16, "exact": 2048}


def match_points(
    x: TensorLike,
    y: TensorLike,
    *,
    lengths: TensorLike | None = None,
    method: Literal["auction", "exact"] = "auction",
    cost: Literal["euclidean", "squared"] = "euclidean",
    tolerance: float = 5e-4,
) -> Tensor:
    """Matches every point of x with a point of y of its own, at the least total cost.

    "auction" is the auction algorithm with epsilon scaling (Bertsekas, 1988). It
    returns a permutation whose total cost exceeds the least one by no more than
    ``tolerance`` of it, or by a millionth of the largest cost per point where that is
    more (clouds that nearly coincide); usually by far less. It computes in float32
    and makes the same matches on every device, for any number of threads. One cloud
    is one task: batches run in parallel. "exact" solves the assignment on the CPU
    (Crouse, 2016, in scipy), about twenty times slower.

    Args:
        x: (B, N, 3) clouds, any floating dtype.
        y: (B, N, 3) clouds of the same dtype, with as many points.
        lengths: (B,) number of valid points of both clouds; all N without it.
        method: "auction", up to 65,536 points (the CPU kernel holds N x N costs per
            thread), or "exact", up to 2,048.
        cost: What is summed over the pairs: distances or their squares.
        tolerance: Largest relative excess of the auction's total cost.

    Returns:
        (B, N) int64: for each point of x the index of its partner in y, -1 for
        padding.

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If a shape, device or number is wrong, or a coordinate is not
            finite.
    """
    method = check_choice(method, "method", ("auction", "exact"))
    cost = check_choice(cost, "cost", ("euclidean", "squared"))
    x, y = check_cloud_pair(x, y, "x", "y")
    if x.shape != y.shape:
        raise ValueError(
            f"y: expected shape {tuple(x.shape)} like x, found {tuple(y.shape)}"
        )
    if x.shape[1] > _MOST_POINTS[method]:
        raise ValueError(
            f"x: expected at most {_MOST_POINTS[method]} points for method "
            f"{method!r}, found {x.shape[1]}"
        )
    if not 1e-6 <= tolerance < 1:
        raise ValueError(f"tolerance: expected 1e-6 to 1, found {tolerance}")
    lengths = check_lengths(lengths, x, "lengths")
    squared = cost == "squared"
    x, y = x.detach(), y.detach()
    if method == "exact":
        return _match_exact(x, y, lengths, squared)
    x, y = _normalized(x, y)
    run = match_points_torch
    if _library.has_kernel("match_points", x):
        run = torch.ops.svr3d.match_points
    return run(x, y, lengths, float(tolerance), squared)


def emd(
    x: TensorLike,
    y: TensorLike,
    *,
    lengths: TensorLike | None = None,
    method: Literal["auction", "exact"] = "auction",
    cost: Literal["euclidean", "squared"] = "euclidean",
    squared: bool = False,
    tolerance: float = 5e-4,
    batch: Literal["mean", "sum", "none"] = "mean",
) -> Tensor:
    """Mean distance of points matched one to one at the least total cost.

    Fan et al., "A point set generation network for 3D object reconstruction from a
    single image" (2017). Of the published values, the defaults are the mean Euclidean
    distance; ``squared=True`` matches by the Euclidean distance and averages its
    squares, as the self-supervised point clouds of ssl3d report. Gradients flow to
    both clouds with the matches held fixed; they are zero where partners coincide.

    Args:
        x: (B, N, 3) clouds, any floating dtype; half and bfloat16 are computed in
            float32.
        y: (B, N, 3) clouds of the same dtype, with as many points.
        lengths: (B,) number of valid points of both clouds; all N without it.
        method: How the matches are found, see ``match_points``.
        cost: What the matches minimise: distances or their squares.
        squared: Whether the distances that are averaged are squared.
        tolerance: Largest relative excess of the auction's total cost.
        batch: How the numbers of the clouds become one; "none" keeps them.

    Returns:
        A scalar, or (B,) with ``batch="none"``; in the units of the coordinates, or
        their squares.

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If a shape, device or number is wrong, a cloud has no points, or a
            coordinate is not finite.
    """
    batch = check_choice(batch, "batch", ("mean", "sum", "none"))
    x, y = check_cloud_pair(x, y, "x", "y")
    whole = lengths is None
    lengths = check_lengths(lengths, x, "lengths")
    if len(x) and not torch.compiler.is_compiling():
        if x.shape[1] == 0 or int(lengths.min()) == 0:
            raise ValueError("x: expected at least one point in every cloud")
    matches = match_points(
        x, y, lengths=lengths, method=method, cost=cost, tolerance=tolerance
    )
    partners = gather_points(y, matches[..., None]).squeeze(2)
    values = squared_lengths(x - partners)
    value = mean_over_points(values if squared else root(values), lengths, whole)
    if batch == "none":
        return value
    return value.mean() if batch == "mean" else value.sum()


def _normalized(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Both clouds of a batch in float32, moved and scaled alike into [-1, 1].

    The matches stay the same; costs neither overflow nor vanish.
    """
    if x.numel() == 0:
        return x.float(), y.float()
    both = torch.cat((x, y), dim=1).double()
    low, high = both.amin(1, keepdim=True), both.amax(1, keepdim=True)
    both = both - (low / 2 + high / 2)
    scale = both.abs().amax((1, 2), keepdim=True)
    both = (both / torch.where(scale > 0, scale, 1)).float()
    return both[:, : x.shape[1]], both[:, x.shape[1] :]


@torch.library.custom_op("svr3d::match_points_exact", mutates_args=())
def _match_exact(x: Tensor, y: Tensor, lengths: Tensor, squared: bool) -> Tensor:
    from scipy.optimize import linear_sum_assignment

    matches = torch.full(x.shape[:2], -1, dtype=torch.int64)
    for b, n in enumerate(lengths.tolist()):
        costs = pair_costs(x[b, :n].double().cpu(), y[b, :n].double().cpu(), squared)
        matches[b, :n] = torch.from_numpy(linear_sum_assignment(costs.numpy())[1])
    return matches.to(x.device)


@_match_exact.register_fake
def _fake_exact(x: Tensor, y: Tensor, lengths: Tensor, squared: bool) -> Tensor:
    return x.new_empty(x.shape[:2], dtype=torch.int64)


def _fake(
    x: Tensor, y: Tensor, lengths: Tensor, tolerance: float, squared: bool
) -> Tensor:
    return x.new_empty(x.shape[:2], dtype=torch.int64)


if _library.load():
    torch.library.register_fake("svr3d::match_points", _fake)
