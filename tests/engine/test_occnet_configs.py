# SPDX-License-Identifier: Apache-2.0
"""The shipped configs of occupancy networks train, validate and test."""

import pytest
import torch
from toy_config import load

from svr3d.cli import main as console


@pytest.mark.parametrize(
    "name",
    [
        "onet_narrow_synthetic",
        "onet_narrow_custom",
        "onet_views_custom",
        "local_views_custom",
    ],
)
def test_shipped_config_trains_and_tests(name, data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    monkeypatch.chdir(tmp_path)
    options = {
        "data_root": data,
        "train_cfg.max_epochs": 1,
        "train_cfg.val_interval": 1,
        "train_dataloader.batch_size": 2,
    }
    options = [f"{key}={value}" for key, value in options.items()]
    command = ["train", f"occnet/{name}.py", "--work-dir", "run", "--cfg-options"]
    assert console.main([*command, *options]) == 0
    best = capsys.readouterr().out.splitlines()[-1]
    state = load(tmp_path / "run")
    assert state["meta"]["iter"] >= 2
    assert all(
        torch.isfinite(value).all()
        for value in state["state_dict"].values()
        if value.is_floating_point()
    )
    assert console.main(["test", best]) == 0
    assert "voxel/iou_max" in capsys.readouterr().out
