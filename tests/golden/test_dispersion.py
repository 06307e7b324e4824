# SPDX-License-Identifier: Apache-2.0
"""The Dispersion Score against recorded runs of its original program."""

import re

import numpy as np
import pytest
import torch

from svr3d.analysis.dispersion import dispersion_score, k_medoids
from svr3d.analysis.dispersion.affinity import affinity_clusters, similarities
from svr3d.analysis.dispersion.cluster_demo import plane_clusters, squared_distances
from svr3d.analysis.dispersion.distance_matrix import (
    cloud_distances_matrix,
    feature_distances_matrix,
)
from svr3d.analysis.dispersion.image_dissimilarity import extract_features
from svr3d.analysis.dispersion.k_medoids import cheapest_members
from svr3d.models.perceptual_features import PerceptualFeatures
from svr3d.ops import chamfer_distance


@pytest.fixture
def case(request, golden, golden_dir):
    return golden.load(golden_dir / "dispersion" / request.param)


@pytest.mark.parametrize("case", ["demo_clusters"], indirect=True)
@pytest.mark.parametrize("std", [1, 2, 3, 4, 8])
def test_demo_clusters(case, std):
    given, expected = case
    distances = squared_distances(given[f"std{std}.data"])
    curve = [
        dispersion_score(distances, num_clusters=k, seeds=(0,)).score
        for k in range(2, 101, 2)
    ]
    np.testing.assert_allclose(curve, expected[f"std{std}.curve"], rtol=1e-12)
    for k in (2, 8, 20):
        found, name = k_medoids(distances, k, seed=0), f"std{std}.k{k}"
        np.testing.assert_array_equal(found.labels, expected[f"{name}.labels"])
        np.testing.assert_array_equal(found.medoids, expected[f"{name}.medoids"])
        np.testing.assert_allclose(
            found.inertia, expected[f"{name}.inertia"], rtol=1e-12
        )


@pytest.mark.parametrize("case", ["demo_generator"], indirect=True)
def test_demo_generator(case):
    given, expected = case
    for std in (1, 3):
        made = plane_clusters(
            std,
            num_clusters=int(given["clusters"]),
            num_points=int(given["points"]),
            side=int(given["side"]),
            seed=int(given["seed"]),
        )
        np.testing.assert_array_equal(made.centers, expected["centers"])
        np.testing.assert_array_equal(made.labels, expected[f"std{std}.label"])
        np.testing.assert_allclose(
            made.points, expected[f"std{std}.data"], rtol=0, atol=1e-12
        )


@pytest.mark.parametrize("case", ["kmedoids_small"], indirect=True)
def test_kmedoids_small(case):
    given, expected = case
    runs = [key for key in expected if key.endswith(".n_iter")]
    assert len(runs) >= 20
    for run in runs:
        name = run.removesuffix(".n_iter")
        matrix, k, seed = re.fullmatch(r"(D\d)\.k(\d+)\.s(\d+)", name).groups()
        distances = given[matrix]
        found = k_medoids(distances, int(k), seed=int(seed))
        np.testing.assert_array_equal(found.labels, expected[f"{name}.labels"])
        np.testing.assert_array_equal(found.medoids, expected[f"{name}.medoids"])
        assert found.iterations == expected[run], name
        assert found.inertia.dtype == distances.dtype
        np.testing.assert_allclose(
            found.inertia, expected[f"{name}.inertia"], rtol=1e-6
        )
        score = dispersion_score(distances, num_clusters=int(k), seeds=(int(seed),))
        np.testing.assert_allclose(score.score, expected[f"{name}.mean"], rtol=1e-6)
    for matrix, distances in given.items():
        k = len(expected[f"{matrix}.centroid_index"])
        labels = k_medoids(distances, k, seed=0).labels
        samples, sums = cheapest_members(distances, labels)
        np.testing.assert_array_equal(samples, expected[f"{matrix}.centroid_index"])
        np.testing.assert_allclose(sums, expected[f"{matrix}.centroid_sum"], rtol=1e-6)
        np.testing.assert_allclose(
            sums.sum(), expected[f"{matrix}.inertia_of_labels"], rtol=1e-6
        )


@pytest.mark.parametrize("case", ["affinity_propagation"], indirect=True)
@pytest.mark.parametrize("matrix", ["D0", "D1"])
def test_affinity_propagation(case, matrix):
    given, expected = case
    similarity = similarities(given[matrix])
    np.testing.assert_allclose(similarity, expected[f"{matrix}.similarity"], rtol=1e-10)
    for percentile in (10, 50):
        name = f"{matrix}.pc{percentile}"
        np.testing.assert_allclose(
            np.percentile(similarity, percentile),
            expected[f"{matrix}.pref{percentile}"],
            rtol=1e-10,
        )
        found = affinity_clusters(given[matrix], percentile=percentile, seed=1)
        np.testing.assert_array_equal(found.labels, expected[f"{name}.labels"])
        np.testing.assert_allclose(
            found.inertia, expected[f"{name}.inertia"], rtol=1e-10
        )


@pytest.mark.parametrize("case", ["points_ds"], indirect=True)
def test_points_ds(case):
    given, expected = case
    distances = cloud_distances_matrix(given["clouds"], block=5)
    for name in ("D", "D_loop"):
        np.testing.assert_allclose(distances, expected[name], rtol=0, atol=1e-6)
    sums = []
    for k in (2, 3):
        score = dispersion_score(distances, num_clusters=k)
        np.testing.assert_allclose(score.total, expected[f"k{k}.sum"], atol=1e-6)
        np.testing.assert_allclose(score.score, expected[f"k{k}.ds"], atol=1e-6)
        labels = score.clusterings[0].labels
        np.testing.assert_array_equal(labels, expected[f"k{k}.labels"])
        sums.append(score.total)
    np.testing.assert_allclose(
        (np.mean(sums), np.std(sums)), expected["mean_std"], atol=1e-6
    )
    # Distances to other clouds, and the nearest of them, through the same op.
    other = torch.from_numpy(given["other"])
    clouds = torch.from_numpy(given["clouds"])
    found = torch.stack(
        [
            chamfer_distance(cloud.expand_as(clouds), clouds, batch="none")
            for cloud in other
        ]
    )
    np.testing.assert_allclose(found, expected["D_other"], atol=1e-6)
    np.testing.assert_array_equal(found.argmin(1), expected["oracle_nn_index"])
    np.testing.assert_allclose(
        found.amin(1).mean(), expected["oracle_nn_score"], atol=1e-6
    )


def weights_of_torchvision(golden, folder, path):
    """Write the recorded weights under the names of torchvision's file."""
    state = {
        f"features.{name.split('.', 2)[2]}": torch.from_numpy(value)
        for name, value in golden.state_dict(folder).items()
    }
    torch.save(state, path)
    return str(path)


@pytest.mark.parametrize("name", ["image_ds_perceptual", "image_ds_perceptual_full"])
def test_image_ds(golden, golden_dir, tmp_path, name):
    folder = golden_dir / "dispersion" / name
    given, expected = golden.load(folder)
    weights = weights_of_torchvision(golden, folder, tmp_path / "vgg16.pth")
    images = torch.from_numpy(given["image_u8"]).float() / 255
    for layer in ("relu1_2", "relu3_3", "relu4_3"):
        whole = PerceptualFeatures(weights, layer=layer, pooling="none")(images)
        flat = whole.double().numpy().ravel()
        total, _, count, step = expected[f"{layer}.stats"]
        assert flat.size == count
        sampled = expected[f"{layer}.sub"]
        np.testing.assert_allclose(
            flat[:: int(step)][: len(sampled)], sampled, rtol=1e-4, atol=1e-5
        )
        np.testing.assert_allclose(flat.sum(), total, rtol=1e-5)
    pooling = "none" if name.endswith("full") else "max"
    extractor = PerceptualFeatures(weights, pooling=pooling)
    features = extract_features(
        extractor, ((image, None) for image in images), batch_size=3
    )
    if "feature" in expected:
        np.testing.assert_allclose(features, expected["feature"], rtol=1e-4, atol=1e-6)
    distances = feature_distances_matrix(features, block=4)
    for key in ("D", "D_pdist", "D_gram"):
        np.testing.assert_allclose(distances, expected[key], rtol=1e-3, atol=1e-6)
    for k in (2, 3):
        score = dispersion_score(distances, num_clusters=k)
        labels = score.clusterings[0].labels
        np.testing.assert_array_equal(labels, expected[f"k{k}.labels"])
        np.testing.assert_allclose(score.total, expected[f"k{k}.sum"], rtol=1e-3)
        np.testing.assert_allclose(score.score, expected[f"k{k}.ds"], rtol=1e-3)
