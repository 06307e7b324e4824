# SPDX-License-Identifier: Apache-2.0
"""Clusters of training shapes, and a network that tells them apart by images."""

import numpy as np
import pytest
import torch

from svr3d.analysis.cluster_classifier import (
    ClusterClassifier,
    ClusterSettings,
    classify,
    cluster_shapes,
    train_classifier,
)


def test_clusters_and_their_representatives():
    places = np.array([0.0, 1, 1.5, 10, 11, 11.5, 30], np.float32)
    distances = np.abs(places[:, None] - places)
    labels, chosen = cluster_shapes(distances, 3)
    groups = {tuple(np.flatnonzero(labels == label)) for label in range(3)}
    assert groups == {(0, 1, 2), (3, 4, 5), (6,)}
    assert set(chosen) == {1, 4, 6}
    assert (labels[chosen] == np.arange(3)).all()
    # No more clusters than shapes.
    assert sorted(cluster_shapes(distances, 500)[1]) == list(range(7))


def test_equal_shapes_leave_no_empty_cluster():
    labels, chosen = cluster_shapes(np.zeros((4, 4), np.float32), 3)
    assert set(labels) == set(range(len(chosen)))


def test_the_trunk_learns_more_slowly():
    network = ClusterClassifier(3, depth=18)
    groups = network.parameter_groups(1e-3, slow_trunk=True)
    rates = [group["lr"] for group in groups]
    assert rates == pytest.approx(
        [1e-3, 1e-4, 1e-4, 1e-3 / 8, 1e-3 / 6, 1e-3 / 4, 1e-3 / 2]
    )
    held = sum(len(group["params"]) for group in groups)
    assert held == len(list(network.parameters()))
    same = network.parameter_groups(1e-3, slow_trunk=False)
    assert {group["lr"] for group in same} == {1e-3}


def test_colours_are_told_apart():
    images = torch.rand(8, 3, 32, 32) * 0.2
    images[:4, 0] += 0.8
    images[4:, 2] += 0.8
    settings = ClusterSettings(epochs=15, batch_size=4, depth=18, image_size=32)
    said = []
    network = train_classifier(
        images.__getitem__, [0] * 4 + [1] * 4, settings, report=said.append
    )
    assert len(said) == 15
    found = classify(network, images.__getitem__, 8, batch_size=3)
    assert found == [0] * 4 + [1] * 4


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="num_clusters: expected at least 1, found 0"):
        ClusterSettings(num_clusters=0)
