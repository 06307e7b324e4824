# SPDX-License-Identifier: Apache-2.0
"""The shipped configs of the dispersion study train, test and are measured."""

import json

import pytest
import torch
from toy_config import load

from svr3d.cli import main as console

COUNT = 60


@pytest.fixture(scope="module")
def cube_sphere(tmp_path_factory):
    """A small set in the published layout; not to be changed."""
    folder = tmp_path_factory.mktemp("cube_sphere")
    settings = ["--count", COUNT, "--num-points", 200, "--image-size", 32]
    command = ["make-cube-sphere", folder, *settings, "--workers", 0, "--no-all-views"]
    assert console.main([str(argument) for argument in command]) == 0
    return folder


def test_synthetic_recipe(cube_sphere, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    monkeypatch.chdir(tmp_path)
    options = [
        f"data_root={cube_sphere}",
        "train_dataloader.dataset.list_file=cluster_shape_aug_2by10_cltsize35.json",
        "train_cfg.max_epochs=1",
        "train_cfg.val_interval=1",
        "model.head.num_points=100",
    ]
    for mode in ("train", "val", "test"):
        options.append(f"{mode}_dataloader.dataset.points.num_points=100")
        if mode != "train":
            name = f"{mode}_interp_{COUNT}.json"
            options.append(f"{mode}_dataloader.dataset.list_file={name}")
            options.append(f"+{mode}_dataloader.dataset.max_samples=5")
    tail = ["--cfg-options", *options]
    config = "dispersion/synthetic_narrow.py"
    assert console.main(["train", config, "--work-dir", "run", *tail]) == 0
    state = load(tmp_path / "run")
    assert state["meta"]["iter"] == 3
    values = [v for v in state["state_dict"].values() if v.is_floating_point()]
    assert all(torch.isfinite(value).all() for value in values)
    checkpoint = next((tmp_path / "run").glob("epoch_*.pth"))
    assert console.main(["test", str(checkpoint)]) == 0
    assert "chamfer" in capsys.readouterr().out
    measure = ["dispersion-score", "predictions", str(checkpoint), "-k", "2"]
    assert console.main(measure) == 0
    folder = tmp_path / "run" / "dispersion" / "predictions"
    found = json.loads((folder / "dispersion.json").read_text())
    assert found["protocol"]["points"] == 2562
    assert found["protocol"]["samples"] == 5
    assert console.main(["report", "run", "--out", "report.html"]) == 0
    page = (tmp_path / "report.html").read_text()
    assert "Dispersion" in page and "squared Chamfer" in page
