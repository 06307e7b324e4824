# SPDX-License-Identifier: Apache-2.0
"""Nearest neighbours and medoids among point clouds, by the Chamfer distance."""

from collections.abc import Sequence

import torch
from torch import Tensor

from svr3d.ops.chamfer_distance import chamfer_distance

_CLOUDS = 64  # of a row that are compared at a time


def pairwise_chamfer(first: Tensor, second: Tensor | None = None) -> Tensor:
    """Return the squared Chamfer distance, both directions summed, of each pair.

    Args:
        first: Clouds (N, P, 3).
        second: Clouds (M, Q, 3); None compares the first with each other, where half of
            the pairs say all.

    Returns:
        float32 (N, M).
    """
    others = first if second is None else second
    found = torch.zeros(len(first), len(others))
    for row, cloud in enumerate(first):
        start = 0 if second is not None else row + 1
        for begin in range(start, len(others), _CLOUDS):
            block = others[begin : begin + _CLOUDS]
            own = cloud.expand(len(block), -1, -1)
            distances = chamfer_distance(own, block, batch="none")
            found[row, begin : begin + len(block)] = distances
    return found if second is not None else found + found.T


def medoids(distances: Tensor, labels: Sequence[int]) -> dict[int, int]:
    """Return for each label the member with the smallest distances to the others.

    Args:
        distances: (N, N) symmetric.
        labels: N.

    Returns:
        Label -> position of its medoid, the first of equals.
    """
    labels = torch.as_tensor(labels)
    found = {}
    for label in labels.unique().tolist():
        members = torch.nonzero(labels == label).flatten()
        costs = distances[members][:, members].double().sum(dim=1)
        found[label] = int(members[costs.argmin()])
    return found
