# SPDX-License-Identifier: Apache-2.0
"""Tables land in the work dir."""

import csv
import logging
from types import SimpleNamespace

import torch

from svr3d.engine.hooks.results_hook import ResultsHook
from svr3d.metrics import ResultTable, VoxelIoU
from svr3d.structures.voxels import Voxels


def make_runner(tmp_path, *metrics):
    loop = SimpleNamespace(evaluator=SimpleNamespace(metrics=list(metrics)))
    return SimpleNamespace(
        work_dir=str(tmp_path),
        val_loop=loop,
        test_loop=loop,
        epoch=3,
        iter=42,
        logger=logging.getLogger("results"),
    )


def evaluated(values):
    metric = VoxelIoU((0.5,))
    for index, value in enumerate(values):
        target = torch.zeros(1, 10, 10, 10)
        target[:, 0, 0] = 1
        predicted = torch.zeros_like(target)
        predicted[:, 0, 0, : round(10 * value)] = 1
        batch = {
            "voxels": target,
            "category": [0],
            "sample_id": [f"chair/{index}"],
            "images": torch.empty(1, 1, 0),
        }
        metric.process(batch, list(Voxels(predicted)))
    metric.evaluate(len(values))
    return metric


def test_files_of_a_test(tmp_path, caplog):
    metric = evaluated([0.8, 0.3, 0.9])
    with caplog.at_level(logging.INFO):
        ResultsHook().after_test_epoch(make_runner(tmp_path, metric))
    assert "TEST RESULTS" in caplog.text
    table = ResultTable.from_json(tmp_path / "results" / "test_voxel.json")
    assert table.overall[0] == metric.table.overall[0]
    assert table.summary["epoch"] == 3
    assert (tmp_path / "results" / "test_voxel.csv").is_file()
    with open(tmp_path / "results" / "test_voxel_samples.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["sample_id"] for row in rows] == ["chair/1", "chair/0", "chair/2"]
    assert float(rows[0]["t=0.50"]) == 0.3


def test_validation_replaces_its_files(tmp_path):
    runner = make_runner(tmp_path, evaluated([0.5]))
    ResultsHook().after_val_epoch(runner)
    runner.val_loop.evaluator.metrics = [evaluated([0.7])]
    ResultsHook().after_val_epoch(runner)
    files = sorted(path.name for path in (tmp_path / "results").iterdir())
    assert files == ["val_voxel.csv", "val_voxel.json", "val_voxel_samples.csv"]
    table = ResultTable.from_json(tmp_path / "results" / "val_voxel.json")
    assert table.overall == (0.7,)


def test_metrics_without_a_table_are_left_alone(tmp_path):
    ResultsHook().after_test_epoch(make_runner(tmp_path, SimpleNamespace(prefix="a")))
    assert not (tmp_path / "results").exists()
