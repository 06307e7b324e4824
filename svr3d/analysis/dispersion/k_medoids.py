# SPDX-License-Identifier: Apache-2.0
"""K-medoids on a matrix of distances, draw for draw as the dispersion score's."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from svr3d.analysis.dispersion.matrix_checks import check_matrix

MAX_ITERATIONS = 300
_BLOCK = 1 << 24  # entries of the matrix that are copied at a time


@dataclass(frozen=True)
class Clustering:
    """Samples shared out among medoids.

    Attributes:
        medoids: (k,) int64, sample that stands for each cluster.
        labels: (N,) int64, cluster of each sample.
        inertia: Sum of the distances of the samples to their medoids, in the
            precision of the matrix.
        iterations: How often the medoids were looked for again.
    """

    medoids: np.ndarray
    labels: np.ndarray
    inertia: float
    iterations: int


def k_medoids(
    distances: np.ndarray,
    num_clusters: int,
    *,
    seed: int = 0,
    max_iterations: int = MAX_ITERATIONS,
) -> Clustering:
    """Cluster samples about those that have the smallest distances to the others.

    Alternates between assigning samples to the nearest medoid and choosing the medoid
    of each cluster; starts as k-means++ does, with the best of a few drawn
    candidates. Only some rows of the matrix are held at a time, so that it may be
    a memory map.

    Source: ``KMedoids(method='alternate', init='k-medoids++')`` of scikit-learn-extra
    0.3.0, which does not run with numpy 2. Its results are reproduced: numpy's legacy
    random numbers, sums in the precision of the matrix, the first of equals wins.
    Differs from it in that rows are read where it reads columns, which is the same in
    a symmetric matrix.

    Args:
        distances: (N, N) symmetric, float32 or float64.
        num_clusters: k, at most N.
        seed: Of the random numbers.
        max_iterations: After these the medoids found so far stand.

    Raises:
        DataError: If the matrix is not square or of another dtype.
        ValueError: If k is not between 1 and N.
    """
    distances = check_matrix(distances)
    size = len(distances)
    if not 1 <= num_clusters <= size:
        raise ValueError(
            f"num_clusters: expected between 1 and the {size} samples, found "
            f"{num_clusters}"
        )
    medoids = _first_medoids(distances, num_clusters, np.random.RandomState(seed))
    iterations = 0
    for iterations in range(max_iterations):  # noqa: B007 (its last value counts)
        labels = _nearest(distances, medoids)[0]
        changed = False
        for cluster in range(num_clusters):
            members = np.flatnonzero(labels == cluster)
            if len(members) == 0:
                continue
            better = _better_medoid(distances, members, medoids[cluster])
            if better is not None:
                changed = changed or better != medoids[cluster]
                medoids[cluster] = better
        if not changed:
            break
    labels, nearest = _nearest(distances, medoids)
    return Clustering(medoids, labels, nearest.sum(), iterations)


def cheapest_members(
    distances: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the member of each cluster with the smallest distances to the others.

    Source: ``get_cluster_centroid`` of YefanZhou/dispersion-score.

    Args:
        distances: (N, N) symmetric.
        labels: (N,) cluster of each sample, from 0 on without gaps.

    Returns:
        (k,) int64 samples, the first of equals, and (k,) their sums of distances.
    """
    samples, sums = [], []
    for cluster in range(labels.max() + 1):
        members = np.flatnonzero(labels == cluster)
        costs = _costs(distances, members)
        samples.append(members[costs.argmin()])
        sums.append(costs.min())
    return np.array(samples), np.array(sums)


def _costs(distances: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Return the sum of the distances of each member to all of them."""
    costs = np.empty(len(members), dtype=distances.dtype)
    step = max(1, _BLOCK // len(members))
    for start in range(0, len(members), step):
        rows = members[start : start + step]
        costs[start : start + step] = distances[np.ix_(rows, members)].sum(axis=1)
    return costs


def _first_medoids(
    distances: np.ndarray, num_clusters: int, random: np.random.RandomState
) -> np.ndarray:
    """Draw medoids one by one, with chances as the distance to the nearest so far.

    The distances are squared even if they are squares already, as in the source.
    """
    trials = 2 + int(math.log(num_clusters))
    medoids = np.empty(num_clusters, dtype=np.int64)
    medoids[0] = random.randint(len(distances))
    closest = np.square(distances[medoids[0]])
    potential = closest.sum()
    for place in range(1, num_clusters):
        draws = random.random_sample(trials) * potential
        shares = np.cumsum(closest, dtype=np.float64)
        candidates = np.searchsorted(shares, draws)
        # Rounding of a float32 sum can put a draw beyond the last share.
        candidates = candidates.clip(max=len(distances) - 1)
        found = []
        for candidate in candidates:
            updated = np.minimum(closest, np.square(distances[candidate]))
            found.append((updated.sum(), candidate, updated))
        # min() takes the first of equals.
        potential, medoids[place], closest = min(found, key=lambda item: item[0])
    return medoids


def _nearest(
    distances: np.ndarray, medoids: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest medoid of each sample, (N,), and its distance, (N,)."""
    size = len(distances)
    best = np.array(distances[medoids[0]])
    labels = np.zeros(size, dtype=np.int64)
    for place, medoid in enumerate(medoids[1:], start=1):
        row = distances[medoid]
        nearer = row < best
        labels[nearer] = place
        np.minimum(best, row, out=best)
    return labels, best


def _better_medoid(
    distances: np.ndarray, members: np.ndarray, medoid: int
) -> int | None:
    """Return the cheapest member, if it is cheaper than the medoid.

    A medoid that is not a member of its own cluster, as happens where samples
    coincide, is judged by the cost of the first member, as in the source.
    """
    costs = _costs(distances, members)
    cheapest = costs.argmin()
    own = (members == medoid).argmax()
    return int(members[cheapest]) if costs[cheapest] < costs[own] else None
