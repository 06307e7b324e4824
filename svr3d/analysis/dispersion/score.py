# SPDX-License-Identifier: Apache-2.0
"""The Dispersion Score: how far the samples of a set lie from their medoids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from svr3d.analysis.dispersion.affinity import affinity_clusters
from svr3d.analysis.dispersion.k_medoids import Clustering, k_medoids

Method = Literal["k-medoids", "affinity"]
METHODS = ("k-medoids", "affinity")


@dataclass(frozen=True)
class DispersionScore:
    """The score of one set, and the clusterings that it comes from.

    The published scores are the mean distance S / N; files of the original programs
    store the sum S.

    Attributes:
        score: Mean over the seeds of S / N, in the unit of the distances.
        score_std: Population standard deviation of S / N over the seeds.
        total: Mean over the seeds of S.
        total_std: Population standard deviation of S over the seeds.
        num_samples: N.
        seeds: Of the random draws.
        clusterings: One for each seed.
        label: Method and settings, as the original programs name them.
    """

    score: float
    score_std: float
    total: float
    total_std: float
    num_samples: int
    seeds: tuple[int, ...]
    clusterings: tuple[Clustering, ...]
    label: str

    def to_dict(self) -> dict[str, Any]:
        """Return builtins only, for JSON; labels and medoids are those of each seed."""
        return {
            "score": self.score,
            "score_std": self.score_std,
            "sum": self.total,
            "sum_std": self.total_std,
            "num_samples": self.num_samples,
            "label": self.label,
            "seeds": [
                {
                    "seed": seed,
                    "sum": float(clusters.inertia),
                    "score": float(clusters.inertia) / self.num_samples,
                    "iterations": clusters.iterations,
                    "medoids": clusters.medoids.tolist(),
                    "cluster_sizes": np.bincount(
                        clusters.labels, minlength=len(clusters.medoids)
                    ).tolist(),
                }
                for seed, clusters in zip(self.seeds, self.clusterings, strict=True)
            ],
        }


def dispersion_score(
    distances: np.ndarray,
    *,
    num_clusters: int | None = None,
    seeds: Sequence[int] = (1,),
    method: Method = "k-medoids",
    percentile: float = 50.0,
) -> DispersionScore:
    """Measure how spread out a set is, from the distances of its samples.

    S is the sum of the distances of the samples to the medoids of their clusters, and
    the score S / N. Zhou et al., "A Dataset-Dispersion Perspective on Reconstruction
    Versus Recognition in Single-View 3D Reconstruction Networks" (3DV 2021). Scores
    compare only between sets of the same kind, distance and number of clusters.

    Args:
        distances: (N, N) symmetric with a zero diagonal, float32 or float64; may be a
            memory map. Sums are taken in its precision.
        num_clusters: k of K-medoids: 2 for the paper's synthetic sets, 500 for
            ShapeNet. Affinity propagation finds it.
        seeds: One clustering for each. Published scripts take 1 alone.
        method: 'k-medoids', or 'affinity', whose score is of another definition.
        percentile: Preference of affinity propagation.

    Raises:
        DataError: If the matrix is of another form.
        ValueError: If the method is unknown, k is missing or too large, or there is
            no seed.
    """
    if method not in METHODS:
        raise ValueError(
            f"method: expected one of {', '.join(METHODS)}, found {method!r}"
        )
    if not seeds:
        raise ValueError("seeds: expected at least one, found none")
    if method == "k-medoids":
        if num_clusters is None:
            raise ValueError("num_clusters: expected a number for K-medoids")
        found = [k_medoids(distances, num_clusters, seed=seed) for seed in seeds]
        label = f"KMedoids_Inertia_k{num_clusters}p0"
    else:
        found = [
            affinity_clusters(distances, percentile=percentile, seed=seed)
            for seed in seeds
        ]
        label = f"AP_Inertia_k0p{percentile:g}"
    sums = np.array([clusters.inertia for clusters in found], dtype=np.float64)
    means = sums / len(distances)
    return DispersionScore(
        score=float(means.mean()),
        score_std=float(means.std()),
        total=float(sums.mean()),
        total_std=float(sums.std()),
        num_samples=len(distances),
        seeds=tuple(int(seed) for seed in seeds),
        clusterings=tuple(found),
        label=label,
    )
