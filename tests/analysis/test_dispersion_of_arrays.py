# SPDX-License-Identifier: Apache-2.0
"""Clusterings and the score, apart from what recorded runs hold."""

import tracemalloc

import numpy as np
import pytest

from svr3d.analysis.dispersion import dispersion_score, k_medoids
from svr3d.analysis.dispersion.affinity import affinity_clusters
from svr3d.analysis.dispersion.cluster_demo import plane_clusters, squared_distances
from svr3d.analysis.dispersion.matrix_checks import check_distances
from svr3d.errors import DataError


def test_score_knows_the_number_and_the_spread_of_clusters():
    scores = {}
    for std in (1, 2, 4, 8):
        distances = squared_distances(plane_clusters(std).points)
        scores[std] = {
            k: dispersion_score(distances, num_clusters=k, seeds=(0,)).score
            for k in (2, 6, 8, 10, 60)
        }
    # The curve bends at the true number of clusters ...
    narrow = scores[1]
    assert narrow[6] - narrow[8] > 10 * (narrow[8] - narrow[10])
    # ... and beyond it the score orders sets by the spread within clusters.
    for k in (10, 60):
        values = [scores[std][k] for std in (1, 2, 4, 8)]
        assert values == sorted(values)


def test_every_sample_its_own_medoid():
    distances = squared_distances(plane_clusters(2, num_points=30).points)
    found = k_medoids(distances, 30)
    assert found.inertia == 0
    assert sorted(found.medoids) == list(range(30))


def test_samples_that_coincide():
    distances = np.zeros((6, 6), np.float32)
    score = dispersion_score(distances, num_clusters=3, seeds=(0, 1))
    assert (score.score, score.score_std) == (0.0, 0.0)


def test_mean_and_deviation_over_seeds():
    distances = squared_distances(plane_clusters(8).points)
    score = dispersion_score(distances, num_clusters=5, seeds=(0, 1, 2, 3))
    singles = [
        dispersion_score(distances, num_clusters=5, seeds=(seed,)).total
        for seed in range(4)
    ]
    assert score.total == pytest.approx(np.mean(singles))
    assert score.total_std == pytest.approx(np.std(singles)) and score.total_std > 0
    assert score.score == pytest.approx(score.total / 200)
    rows = score.to_dict()["seeds"]
    assert [row["sum"] for row in rows] == pytest.approx(singles)
    assert all(sum(row["cluster_sizes"]) == 200 for row in rows)


def test_memory_map_is_not_copied(tmp_path):
    size = 2000
    points = np.random.RandomState(0).rand(size, 2)
    path = tmp_path / "distances.npy"
    np.save(path, squared_distances(points).astype(np.float32))
    mapped = np.load(path, mmap_mode="r")
    tracemalloc.start()
    found = k_medoids(mapped, 40, seed=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < mapped.nbytes / 4
    assert k_medoids(np.load(path), 40, seed=1).inertia == found.inertia


def test_wrong_input_is_named():
    good = squared_distances(plane_clusters(1, num_points=16).points)
    with pytest.raises(
        DataError, match=r"square matrix \(N, N\), found shape \(3, 4\)"
    ):
        k_medoids(np.zeros((3, 4)), 2)
    with pytest.raises(DataError, match="float32 or float64, found int64"):
        k_medoids(np.zeros((3, 3), np.int64), 2)
    with pytest.raises(ValueError, match="between 1 and the 16 samples, found 17"):
        k_medoids(good, 17)
    with pytest.raises(ValueError, match="expected one of k-medoids, affinity"):
        dispersion_score(good, num_clusters=2, method="optics")
    with pytest.raises(ValueError, match="expected a number for K-medoids"):
        dispersion_score(good)
    with pytest.raises(ValueError, match="seeds: expected at least one"):
        dispersion_score(good, num_clusters=2, seeds=())


def test_matrices_that_hold_no_distances():
    good = squared_distances(plane_clusters(1, num_points=16).points)
    assert check_distances(good) is good
    for change, message in (
        ((3, 5, np.nan), "finite numbers"),
        ((3, 5, 1e4), "symmetric"),
        ((4, 4, 7.0), "zeros on the diagonal"),
    ):
        row, column, value = change
        wrong = good.copy()
        wrong[row, column] = value
        with pytest.raises(DataError, match=message):
            check_distances(wrong)


def test_affinity_of_equal_distances():
    distances = 1.0 - np.eye(5)
    # With noise alone to go by there is one cluster, or each sample is its own.
    assert affinity_clusters(distances, percentile=0).inertia in (0.0, 4.0)
    with pytest.raises(DataError, match="square matrix"):
        affinity_clusters(np.zeros((2, 3)))
