# SPDX-License-Identifier: Apache-2.0
"""Medoids, retrieval and the nearest cloud, on clouds whose answer is known."""

import json
import re

import numpy as np
import pytest
import torch

from svr3d.analysis.baseline_splits import Split
from svr3d.analysis.cluster_classifier import ClusterSettings
from svr3d.analysis.nearest_clouds import medoids, pairwise_chamfer
from svr3d.analysis.point_baselines import (
    CATEGORY_MEDOID,
    MEDOID,
    first_points,
    pick_clouds,
)
from svr3d.analysis.recognition_baselines import BaselineResults
from svr3d.cli.recognition_baselines import main
from svr3d.errors import ConfigError
from svr3d.metrics import ResultTable


def by_hand(first, second):
    apart = torch.cdist(first.double(), second.double()).square()
    return float(apart.amin(1).mean() + apart.amin(0).mean())


def test_pairwise_chamfer_equals_loops():
    first, second = torch.rand(3, 20, 3), torch.rand(66, 12, 3)
    found = pairwise_chamfer(first, second)
    expected = [[by_hand(a, b) for b in second] for a in first]
    torch.testing.assert_close(found, torch.tensor(expected), atol=1e-6, rtol=1e-5)
    each = pairwise_chamfer(first)
    expected = [[by_hand(a, b) for b in first] for a in first]
    torch.testing.assert_close(each, torch.tensor(expected), atol=1e-6, rtol=1e-5)
    assert torch.equal(each, each.T)


def test_medoids_of_labels():
    places = torch.tensor([0.0, 1, 5, 10, 11, 12.5])
    distances = (places[:, None] - places).abs()
    assert medoids(distances, [0, 0, 0, 7, 7, 7]) == {0: 1, 7: 4}
    # 5 and 10 are equally near to all; the first counts.
    assert medoids(distances, [1] * 6) == {1: 2}


def test_picked_clouds():
    """Lines of four lengths; features tell another order than the shapes."""
    lines = torch.linspace(0, 1, 40)[:, None] * torch.tensor([1.0, 0, 0])
    lengths = torch.tensor([1.0, 1.2, 1.3, 3.0])
    train = Split(
        [lines * length for length in lengths],
        [0, 0, 0, 1],
        list("abcd"),
        torch.arange(4.0).reshape(4, 1, 1),
    )
    test = Split(
        [lines * 2.9, lines * 1.25],
        [1, 5],
        ["e", "f"],
        torch.tensor([0.1, 2.9]).reshape(2, 1, 1),
    )
    picked, settings = pick_clouds(train, test, retrieval="image", best="nearest")
    assert picked["image"] == [0, 3]
    assert picked["nearest"] == [3, 1]
    assert picked[MEDOID] == [2, 2] or picked[MEDOID] == [1, 1]
    # A category that training never saw falls back to the medoid of all.
    assert picked[CATEGORY_MEDOID] == [3, picked[MEDOID][0]]
    assert settings == {"compared_points": 40, "medoid_candidates": 4}
    without, _ = pick_clouds(train, test, retrieval="image", best=None)
    assert "nearest" not in without


def test_as_many_points_as_all_have():
    clouds = [torch.rand(size, 3) for size in (9, 7, 8)]
    assert first_points(clouds, 100).shape == (3, 7, 3)
    assert torch.equal(first_points(clouds, 5)[2], clouds[2][:5])


def run(data, out, *arguments):
    command = ["atlasnet/atlasnet_narrow_custom.py", "--out", str(out), *arguments]
    evaluator = '+test_evaluator=[{"type":"PointDistances","num_points":100}]'
    options = ["--cfg-options", f"data_root={data}", evaluator]
    return main([*command, "--metric", "PointDistances", *options])


def test_command(procedural_data, tmp_path, capsys):
    clusters = ("--clusters", "2", "--cluster-epochs", "1", "--cluster-depth", "18")
    assert run(procedural_data, tmp_path, *clusters) == 0
    content = json.loads((tmp_path / "recognition_baselines.json").read_text())
    tables = {
        name: ResultTable.from_dict(table) for name, table in content["tables"].items()
    }
    assert {table.metric for table in tables.values()} == {"point distances"}
    scores = {name: table.overall[0] for name, table in tables.items()}
    best = scores.pop("best training shape (oracle)")
    # All are chairs, so that both medoids are one.
    assert scores[MEDOID] == scores[CATEGORY_MEDOID]
    assert all(0 < best <= score for score in scores.values())
    assert content["settings"]["medoid_candidates"] == 4
    assert content["settings"]["clusters"]["num_clusters"] == 2
    # What is replayed for other figures is what was measured.
    truth = torch.from_numpy(np.load(tmp_path / "gt.npy"))
    for name in scores:
        folder = tmp_path / re.sub(r"\W+", "_", name).strip("_")
        clouds = torch.from_numpy(np.load(folder / "prediction.npy"))
        assert clouds.shape == truth.shape == (1, 100, 3)
        assert scores[name] == pytest.approx(1000 * by_hand(clouds[0], truth[0]), 1e-4)
    assert "medoid of the training set" in capsys.readouterr().out


def test_a_network_beats_what_is_farther():
    def table(score):
        return ResultTable.from_samples(
            "point distances",
            ["Chamfer x1000"],
            categories=["chair"],
            values=[[score]],
            smaller_is_better=["Chamfer x1000"],
        )

    tables = {MEDOID: table(3.0), "nearest training image": table(2.0)}
    results = BaselineResults(tables, fair=tuple(tables))
    verdict = results.compare(table(2.5))
    assert "beats medoid of the training set (3.0000)" in verdict
    assert "DOES NOT BEAT nearest training image (2.0000)" in verdict
    assert results.comparison.columns[0] == "network"


def test_samples_without_points_are_named(procedural_data, tmp_path):
    from svr3d.analysis.recognition_baselines import recognition_baselines
    from svr3d.engine.config import load_config

    options = {
        "data_root": procedural_data,
        "+test_evaluator": [{"type": "PointDistances"}],
    }
    cfg = load_config("r2n2/res3dgru_custom.py", options)
    with pytest.raises(ConfigError, match="train_dataloader.dataset: .*surface_points"):
        recognition_baselines(cfg, metric="PointDistances")
    with pytest.raises(ConfigError, match="clusters: .*PointDistances, found 'VoxelI"):
        recognition_baselines(cfg, clusters=ClusterSettings())
