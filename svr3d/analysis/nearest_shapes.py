# SPDX-License-Identifier: Apache-2.0
"""Nearest neighbours among shapes, by features of their views or by IoU."""

import torch
from torch import Tensor

_BLOCK = 512


def nearest_by_views(queries: Tensor, references: Tensor) -> Tensor:
    """Return for each object the reference that its views resemble most.

    The distance of two objects is the mean, over the views of the first, of the
    squared Euclidean distance to the most similar view of the second.

    Args:
        queries: (N, V, F).
        references: (M, W, F).

    Returns:
        int64 (N,), positions in ``references``; the first of equals.
    """
    views = references.flatten(0, 1)
    norms = views.square().sum(dim=1)
    nearest = []
    step = max(1, _BLOCK // queries.shape[1])
    for block in queries.split(step):
        flat = block.flatten(0, 1)
        squares = flat.square().sum(dim=1, keepdim=True) + norms - 2 * flat @ views.T
        squares = squares.view(len(block), block.shape[1], *references.shape[:2])
        nearest.append(squares.amin(dim=3).mean(dim=1).argmin(dim=1))
    return torch.cat(nearest)


def pairwise_iou(first: Tensor, second: Tensor) -> Tensor:
    """Return the IoU of each pair of binary grids, 1 if both are empty.

    Args:
        first: (N, R, R, R) in {0, 1}.
        second: (M, R, R, R) in {0, 1}.

    Returns:
        float32 (N, M).
    """
    left, right = first.flatten(1).float(), second.flatten(1).float()
    both = left @ right.T
    union = left.sum(dim=1)[:, None] + right.sum(dim=1) - both
    return torch.where(union > 0, both / union.clamp(min=1), 1.0)


def nearest_by_iou(queries: Tensor, references: Tensor) -> Tensor:
    """Return for each grid the reference with the largest IoU.

    Args:
        queries: (N, R, R, R) in {0, 1}.
        references: (M, R, R, R) in {0, 1}.

    Returns:
        int64 (N,), positions in ``references``; the first of equals.
    """
    best = torch.full((len(queries),), -1.0)
    nearest = torch.zeros(len(queries), dtype=torch.int64)
    for start in range(0, len(references), _BLOCK):
        for begin in range(0, len(queries), _BLOCK):
            rows = slice(begin, begin + _BLOCK)
            iou = pairwise_iou(queries[rows], references[start : start + _BLOCK])
            value, index = iou.max(dim=1)
            better = value > best[rows]
            best[rows] = torch.where(better, value, best[rows])
            nearest[rows] = torch.where(better, index + start, nearest[rows])
    return nearest
