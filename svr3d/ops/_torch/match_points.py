# SPDX-License-Identifier: Apache-2.0
"""One-to-one matching of clouds by auction, in plain torch."""

import torch
from torch import Tensor

# As in csrc/match_points/match_points.h.
_FIRST_EPSILON = 0.05
_LAST_EPSILON = 2.0**-20
_EPSILON_FACTOR = 8


def match_points_torch(
    x: Tensor, y: Tensor, lengths: Tensor, tolerance: float, squared: bool
) -> Tensor:
    """Same contract, bids and rounding as ``torch.ops.svr3d.match_points``."""
    matches = torch.full(x.shape[:2], -1, dtype=torch.int64, device=x.device)
    for b, n in enumerate(lengths.tolist()):
        if n:
            costs = pair_costs(x[b, :n].float(), y[b, :n].float(), squared)
            matches[b, :n] = _auction(costs, tolerance)
    return matches


def pair_costs(x: Tensor, y: Tensor, squared: bool) -> Tensor:
    """(N, M) distances of (N, 3) and (M, 3) points, or their squares."""
    dx, dy, dz = (x[:, None] - y[None]).unbind(-1)
    squares = dx * dx + dy * dy + dz * dz
    if squared:
        return squares
    # By way of float64: torch does not always round float32 roots correctly.
    return squares.double().sqrt().to(squares.dtype)


def _auction(costs: Tensor, tolerance: float) -> Tensor:
    n = len(costs)
    largest = float(costs.max())
    if largest == 0:
        return torch.arange(n, device=costs.device)
    prices = torch.zeros_like(costs[0])
    epsilon, least = _FIRST_EPSILON * largest, _LAST_EPSILON * largest
    while True:
        objects = _round(costs, prices, epsilon)
        total = sum(costs.gather(1, objects[:, None])[:, 0].tolist())
        # The least total is at least total - n epsilon.
        excess = n * epsilon
        if excess <= tolerance * (total - excess) or epsilon <= least:
            return objects
        near = min(0.9 * tolerance * total / n, epsilon / 2)
        epsilon = max(epsilon / _EPSILON_FACTOR, near, least)


def _round(costs: Tensor, prices: Tensor, epsilon: float) -> Tensor:
    """All points bid, first in first out, until each owns an object."""
    n = len(costs)
    step = torch.tensor(epsilon, dtype=costs.dtype, device=costs.device)
    owner, objects, queue = [-1] * n, [-1] * n, list(range(n))
    for bidder in queue:  # grows while it is read
        values = costs[bidder] + prices
        best = values.amin()
        choice = int((values == best).nonzero()[0])  # the first
        margin = torch.zeros_like(best)
        if n > 1:
            values[choice] = float("inf")
            margin = values.amin() - best
        prices[choice] = prices[choice] + (margin + step)
        if owner[choice] >= 0:
            queue.append(owner[choice])
        owner[choice], objects[bidder] = bidder, choice
    return torch.tensor(objects, device=costs.device)
