# SPDX-License-Identifier: Apache-2.0
"""The shipped configs of AtlasNet train, validate and test."""

import pytest
import torch
from toy_config import load

from svr3d.cli import main as console

# Small networks and few points; the courses are those of the recipes.
SMALL = {
    "train_cfg.max_epochs": 1,
    "train_cfg.val_interval": 1,
    "train_dataloader.batch_size": 2,
    "val_evaluator.0.num_points": 500,
    "test_evaluator.0.num_points": 500,
}


@pytest.mark.parametrize("name", ["atlasnet_narrow_custom"])
def test_narrow_config_trains_and_tests(name, data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    monkeypatch.chdir(tmp_path)
    options = [f"{key}={value}" for key, value in SMALL.items()]
    command = ["train", f"atlasnet/{name}.py", "--work-dir", "run", "--cfg-options"]
    assert console.main([*command, f"data_root={data}", *options]) == 0
    best = capsys.readouterr().out.splitlines()[-1]
    assert "best_mesh_chamfer_l1" in best
    state = load(tmp_path / "run")
    assert state["meta"]["iter"] >= 2
    values = [v for v in state["state_dict"].values() if v.is_floating_point()]
    assert all(torch.isfinite(value).all() for value in values)
    assert console.main(["test", best]) == 0
    assert "mesh/chamfer_l1" in capsys.readouterr().out
