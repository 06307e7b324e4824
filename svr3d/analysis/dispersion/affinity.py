# SPDX-License-Identifier: Apache-2.0
"""Affinity propagation, as the dispersion score's other way of clustering."""

from __future__ import annotations

import numpy as np

from svr3d.analysis.dispersion.k_medoids import Clustering, cheapest_members
from svr3d.analysis.dispersion.matrix_checks import check_matrix
from svr3d.errors import DataError

DAMPING = 0.75
MAX_ITERATIONS = 200
_STABLE = 15  # iterations after which unchanged exemplars count as final


def affinity_clusters(
    distances: np.ndarray, *, percentile: float = 50.0, seed: int = 0
) -> Clustering:
    """Cluster by affinity propagation; the number of clusters is found.

    Source: ``cluster_eval('AP', 'Inertia', ...)`` of YefanZhou/dispersion-score. Its
    score is of another definition than that of K-medoids: the sum, over the clusters,
    of the smallest sum of distances within the cluster.

    Args:
        distances: (N, N) symmetric. Four float64 matrices of this size are held.
        percentile: Of the similarities, which becomes the preference: more gives more
            clusters. Published scripts take 10 or 50.
        seed: Of the noise that keeps equal similarities apart.

    Raises:
        DataError: If the matrix is of another form, or no sample became an exemplar.
    """
    distances = check_matrix(distances)
    similarity = similarities(distances)
    preference = np.percentile(similarity, percentile)
    exemplars, iterations = _propagate(similarity, preference, seed)
    if len(exemplars) == 0:
        raise DataError(
            f"affinity propagation: expected exemplars within {iterations} iterations, "
            f"found none at percentile {percentile:g}; try another, or k-medoids"
        )
    labels = np.searchsorted(np.unique(exemplars), exemplars)
    medoids, sums = cheapest_members(distances, labels)
    return Clustering(medoids, labels, sums.sum(), iterations)


def similarities(distances: np.ndarray) -> np.ndarray:
    """Return ``-exp(D / std(D))`` with -1 on the diagonal, float64 (N, N)."""
    distances = np.asarray(distances, dtype=np.float64)
    spread = distances.std()
    similarity = -np.exp(distances / (spread if spread > 0 else 1.0))
    np.fill_diagonal(similarity, -1.0)
    return similarity


def _propagate(
    similarity: np.ndarray, preference: float, seed: int
) -> tuple[np.ndarray, int]:
    """Return the exemplar of each sample, (N,) or empty, and the iterations.

    Frey and Dueck, "Clustering by passing messages between data points" (2007), with
    the noise, the test for convergence and the last refinement of scikit-learn, whose
    results are reproduced.
    """
    size = len(similarity)
    s = similarity.copy()
    np.fill_diagonal(s, preference)
    if size == 1 or _all_alike(similarity, preference):
        whole = preference <= similarity[-1, 0]
        return np.zeros(size, int) if whole else np.arange(size), 0
    number = np.finfo(s.dtype)
    noise = np.random.RandomState(seed).standard_normal((size, size))
    s += (number.eps * s + number.tiny * 100) * noise
    rows, diagonal = np.arange(size), np.diag_indices(size)
    availability, responsibility = np.zeros_like(s), np.zeros_like(s)
    history = np.zeros((_STABLE, size), dtype=bool)
    for iteration in range(MAX_ITERATIONS):
        # What each sample finds in the best exemplar other than the one asked about.
        appeal = availability + s
        first = appeal.argmax(axis=1)
        most = appeal[rows, first]
        appeal[rows, first] = -np.inf
        message = s - most[:, None]
        message[rows, first] = s[rows, first] - appeal.max(axis=1)
        responsibility = DAMPING * responsibility + (1 - DAMPING) * message
        # How many others support each exemplar.
        support = responsibility.clip(min=0)
        support[diagonal] = responsibility[diagonal]
        message = support - support.sum(axis=0)
        own = message[diagonal].copy()
        message = message.clip(min=0)
        message[diagonal] = own
        availability = DAMPING * availability - (1 - DAMPING) * message
        chosen = (availability[diagonal] + responsibility[diagonal]) > 0
        history[iteration % _STABLE] = chosen
        if iteration >= _STABLE and chosen.any():
            if (history.all(axis=0) | ~history.any(axis=0)).all():
                break
    exemplars = np.flatnonzero(chosen)
    if len(exemplars) == 0:
        return exemplars, iteration + 1
    labels = _assign(s, exemplars)
    for cluster in range(len(exemplars)):
        members = np.flatnonzero(labels == cluster)
        within = s[np.ix_(members, members)].sum(axis=0)
        exemplars[cluster] = members[within.argmax()]
    return exemplars[_assign(s, exemplars)], iteration + 1


def _assign(similarity: np.ndarray, exemplars: np.ndarray) -> np.ndarray:
    labels = similarity[:, exemplars].argmax(axis=1)
    labels[exemplars] = np.arange(len(exemplars))
    return labels


def _all_alike(similarity: np.ndarray, preference: float) -> bool:
    """Whether all pairs are as similar as each other, so that nothing can settle."""
    others = similarity[~np.eye(len(similarity), dtype=bool)]
    return bool((others == others[0]).all())
