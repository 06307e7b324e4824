# SPDX-License-Identifier: Apache-2.0
"""Regular grids of points."""

from collections.abc import Sequence

import torch


def grid_points(
    low: Sequence[float],
    high: Sequence[float],
    counts: Sequence[int],
    *,
    device: torch.device | str | None = None,
) -> torch.Tensor:
    """Return the points of a regular grid, both ends included.

    Args:
        low: First coordinate along each of D axes.
        high: Last coordinate along each axis.
        counts: Points along each axis.
        device: Where the points are made.

    Returns:
        Points (prod(counts), D) float32; the last axis runs fastest.

    Raises:
        ValueError: If the three do not have one length.
    """
    if not len(low) == len(high) == len(counts):
        raise ValueError(
            "expected one low, high and count for each axis, found "
            f"{len(low)}, {len(high)} and {len(counts)}"
        )
    axes = [
        torch.linspace(*ends, device=device)
        for ends in zip(low, high, counts, strict=True)
    ]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flatten(0, -2)
