# SPDX-License-Identifier: Apache-2.0
"""Clusters in the plane whose spread is known, to see what the score measures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class PlaneClusters(NamedTuple):
    """Points in the plane.

    Attributes:
        points: (N, 2) float64.
        labels: (N,) int64, the cluster that each was drawn from.
        centers: (C, 2) int64.
    """

    points: np.ndarray
    labels: np.ndarray
    centers: np.ndarray


def plane_clusters(
    std: float,
    *,
    num_clusters: int = 8,
    num_points: int = 200,
    side: int = 25,
    seed: int = 2,
) -> PlaneClusters:
    """Draw isotropic clusters; the same centres and noise for every spread.

    Source: ``eval/metric_demo/cluster_generator.py`` of YefanZhou/dispersion-score,
    whose data sets come out to the last digit: centres are integers, the points those
    of scikit-learn's ``make_blobs``.

    Args:
        std: Standard deviation of a cluster along each axis.
        num_clusters: Clusters.
        num_points: Points of all clusters together.
        side: Centres lie in [-side, side).
        seed: Of centres and noise.
    """
    random = np.random.RandomState(seed)
    x = random.randint(-side, side, num_clusters)
    y = random.randint(-side, side, num_clusters)
    centers = np.stack([x, y], axis=1)
    random = np.random.RandomState(seed)
    share, rest = divmod(num_points, num_clusters)
    sizes = [share + (index < rest) for index in range(num_clusters)]
    points = np.concatenate(
        [
            random.normal(loc=center, scale=std, size=(size, 2))
            for center, size in zip(centers, sizes, strict=True)
        ]
    )
    order = np.arange(num_points)
    random.shuffle(order)
    labels = np.repeat(np.arange(num_clusters), sizes)
    return PlaneClusters(points[order], labels[order], centers)


def squared_distances(points: np.ndarray) -> np.ndarray:
    """Return the squared Euclidean distances (N, N) of points (N, D)."""
    return np.square(points[:, None] - points).sum(axis=2)
