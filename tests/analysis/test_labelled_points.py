# SPDX-License-Identifier: Apache-2.0
"""Shapes known at labelled points, and baselines that are compared at points."""

import json

import pytest
import torch

from svr3d.analysis.labelled_points import field_of_labels
from svr3d.cli.recognition_baselines import main
from svr3d.errors import ConfigError
from svr3d.metrics import ResultTable


def test_a_ball_is_found_again_from_its_labels():
    known = (torch.rand(50_000, 3) - 0.5) * 1.1
    field = field_of_labels(known, known.norm(dim=1) < 0.4)
    asked = (torch.rand(1, 20_000, 3) - 0.5) * 1.1
    truth = asked.norm(dim=-1) < 0.4
    found = field(asked) >= 0.5
    iou = (found & truth).sum() / (found | truth).sum()
    assert 0.93 < iou < 1
    # Known points get their own labels.
    assert torch.equal(field(known[None])[0] >= 0.5, known.norm(dim=1) < 0.4)
    assert len(field) == 1 and field.to_voxels(16).probabilities.mean() > 0.2


def baselines(data, out, *options):
    command = ["occnet/local_views_custom.py", "--out", str(out)]
    command += ["--cfg-options", f"data_root={data}", *options]
    return main([*command[:1], "--metric", "PointIoU", *command[1:]])


def test_baselines_at_points(procedural_data, tmp_path, capsys):
    assert baselines(procedural_data, tmp_path) == 0
    content = json.loads((tmp_path / "recognition_baselines.json").read_text())
    tables = {
        name: ResultTable.from_dict(table) for name, table in content["tables"].items()
    }
    best = tables["best training shape (oracle)"]
    nearest = tables["nearest training image"]
    assert {table.metric for table in tables.values()} == {"point IoU"}
    assert best.protocol["points"] == 400
    # All are chairs; what is retrieved is 0 or 1 at every threshold.
    assert 0.05 < nearest.overall[0] < 1
    assert len(set(nearest.overall)) == 1
    assert "nearest training image" in capsys.readouterr().out


def test_points_and_metric_must_be_there(procedural_data, tmp_path):
    option = "test_dataloader.dataset.points.iou_points=False"
    with pytest.raises(ConfigError, match="iou_points=True for PointIoU"):
        baselines(procedural_data, tmp_path, option)
    from svr3d.analysis.recognition_baselines import recognition_baselines
    from svr3d.engine.config import load_config

    cfg = load_config("occnet/local_views_custom.py", {"data_root": procedural_data})
    with pytest.raises(ConfigError, match="PointIoU, PointDistances, found 'IoU'"):
        recognition_baselines(cfg, metric="IoU")
