# SPDX-License-Identifier: Apache-2.0
"""The shipped configs of the dispersion study train, test and are measured."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from toy_config import load

from svr3d.analysis.dispersion.sweep_plan import read_plan
from svr3d.cli import main as console

COUNT = 60
SYNSET = "02691156"


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


@pytest.fixture(scope="module")
def shapenet(tmp_path_factory):
    """Five objects in AtlasNet's layout, with two views and two ranges of yaw."""
    root = tmp_path_factory.mktemp("shapenet")
    random = np.random.RandomState(0)
    clouds = root / "ShapeNetV1PointCloud" / SYNSET
    clouds.mkdir(parents=True)
    yaw = "ShapeNetV1RenderingAnglelimit/ShapeNetV1RenderingSampleYaw{:03d}/image"
    for index in range(5):
        name = f"object{index}"
        cloud = random.standard_normal((80, 6)).astype(np.float32)
        np.save(clouds / f"{name}.points.ply.npy", cloud)
        folders = {"ShapeNetV1Renderings": ("rendering", 2)}
        folders |= {yaw.format(degrees): ("easy", 1) for degrees in (0, 90)}
        for parent, (kind, views) in folders.items():
            folder = root / parent / SYNSET / name / kind
            folder.mkdir(parents=True)
            for view in range(views):
                pixels = random.randint(0, 256, (137, 137, 4)).astype(np.uint8)
                cv2.imwrite(str(folder / f"{view:02d}.png"), pixels)
            rows = [f"{40 * view + index} 25 0 0.8 25" for view in range(views)]
            (folder / "rendering_metadata.txt").write_text("\n".join(rows) + "\n")
    return root


@pytest.mark.parametrize("name", ["synthetic", "more_images", "views"])
def test_published_recipe(
    name, cube_sphere, shapenet, tmp_path, monkeypatch, repository
):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    monkeypatch.chdir(tmp_path)
    root = cube_sphere if name == "synthetic" else shapenet
    options = [f"data_root={root}", "train_dataloader.batch_size=2"]
    options += ["train_cfg.max_epochs=1", "train_cfg.val_interval=1"]
    options += ["model.backbone.out_features=16", "model.head.features=16"]
    options += ["model.head.hidden_features=8", "model.head.num_points=100"]
    for mode in ("train", "val", "test"):
        options.append(f"{mode}_dataloader.num_workers=0")
        options.append(f"{mode}_dataloader.dataset.points.num_points=50")
        if name == "synthetic":
            options.append(f"+{mode}_dataloader.dataset.max_samples=4")
            if mode != "train":
                place = f"{mode}_dataloader.dataset.list_file"
                options.append(f"{place}={mode}_interp_{COUNT}.json")
    if name == "views":
        for mode in ("train", "val", "test"):
            options.append(f"{mode}_dataloader.dataset.pipeline.1.size=32")
    # A value of the plan that trains it is understood.
    folder = repository / "configs" / "dispersion"
    content = yaml.safe_load((folder / f"{name}.yml").read_text())
    run = read_plan(content, folder, source=name).runs[0]
    options += [f"{key}={value}" for key, value in run.options.items()]
    tail = ["--cfg-options", *options]
    config = f"dispersion/{name}.py"
    assert console.main(["train", config, "--work-dir", "run", *tail]) == 0
    state = load(tmp_path / "run")
    assert state["meta"]["iter"] == 2
    values = [v for v in state["state_dict"].values() if v.is_floating_point()]
    assert all(torch.isfinite(value).all() for value in values)


@pytest.mark.parametrize(
    ("name", "number"),
    [("synthetic", 48), ("more_images", 21), ("more_shapes", 24), ("views", 21)],
)
def test_plans_name_configs_that_are_there(name, number, repository):
    folder = repository / "configs" / "dispersion"
    content = yaml.safe_load((folder / f"{name}.yml").read_text())
    runs = read_plan(content, folder, source=name).runs
    assert len(runs) == len({run.name for run in runs}) == number
    assert all(Path(run.config).is_file() for run in runs)
