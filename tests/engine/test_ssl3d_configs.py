# SPDX-License-Identifier: Apache-2.0
"""The shipped configs of self-supervised point clouds train, resume and test."""

import cv2
import numpy as np
import pytest
import torch
from killed_runs import Killed
from mmengine.registry import MODELS
from toy_config import differences, load, training_state

from svr3d.cli import main as console
from svr3d.engine.config import config_to_text, load_config
from svr3d.io.image_lists import write_image_list, write_neighbors

# The networks are small as they are; the course is that of the recipes.
SHORT = {
    "train_cfg.max_iters": 2,
    "train_cfg.val_interval": 2,
    "train_dataloader.batch_size": 2,
}

SMALL_DRC = {
    "train_dataloader.num_workers": 0,
    "val_dataloader.num_workers": 0,
    "model.shape.num_points": 128,
}


@pytest.mark.parametrize("name", ["ssl3d_narrow_custom", "atlasnet_masks_custom"])
def test_narrow_config_trains_and_tests(name, data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    monkeypatch.chdir(tmp_path)
    options = [f"{key}={value}" for key, value in SHORT.items()]
    command = ["train", f"ssl3d/{name}.py", "--work-dir", "run", "--cfg-options"]
    assert console.main([*command, f"data_root={data}", *options]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    state = load(tmp_path / "run")
    assert state["meta"]["iter"] == 2
    assert set(state["optimizer"]) == {"shape", "pose"}
    values = [v for v in state["state_dict"].values() if v.is_floating_point()]
    assert all(torch.isfinite(value).all() for value in values)
    assert console.main(["test", last]) == 0
    assert "aligned/chamfer" in capsys.readouterr().out


def test_supervised_config_trains_and_tests(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    monkeypatch.chdir(tmp_path)
    options = [f"{key}={value}" for key, value in SHORT.items()]
    command = ["train", "ssl3d/supervised_custom.py", "--work-dir", "run"]
    command += ["--cfg-options", f"data_root={data}", *options]
    assert console.main(command) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert load(tmp_path / "run")["meta"]["iter"] == 2
    assert console.main(["test", last]) == 0
    assert "aligned/chamfer" in capsys.readouterr().out


@pytest.fixture(scope="module")
def drc(tmp_path_factory):
    """Rectangles in DRC's layout, with neighbours."""
    root = tmp_path_factory.mktemp("drc")
    rng = np.random.default_rng(0)
    names = {"train": ["a", "b", "c"], "val": ["d"], "test": ["e"]}
    for models in names.values():
        for index, model in enumerate(models):
            folder = root / "ShapeNet_rendered/03001627" / model
            folder.mkdir(parents=True)
            mask = np.zeros((64, 64), np.uint8)
            mask[20 + index : 40, 15:50] = 255
            image = cv2.merge([mask // 2, mask // 3, mask, mask])
            cv2.imwrite(str(folder / "render_0.png"), image)
            cv2.imwrite(str(folder / "mask_0.png"), mask)
            (folder / "view.txt").write_text("30 10 0 2\n")
            cloud = root / "ShapeNet_v1/03001627" / model
            cloud.mkdir(parents=True)
            points = rng.random((1024, 3)) - 0.5
            np.save(cloud / "pcl_1024_fps_trimesh.npy", points)
            colored = np.hstack([points, rng.random((1024, 3))])
            np.save(cloud / "pcl_1024_fps_trimesh_colors.npy", colored)
    (root / "splits").mkdir()
    for split, models in names.items():
        path = root / f"splits/images_list_03001627_{split}.npy"
        write_image_list(path, [(model, 0) for model in models])
    neighbors = {"a_0": ["b_0", "c_0"], "b_0": ["c_0", "a_0"], "c_0": ["a_0", "b_0"]}
    write_neighbors(root / "knn_list_03001627.npy", neighbors)
    return root


@pytest.mark.parametrize("name", ["ours_cc", "ours_nn", "ssl3d_narrow_drc_nn"])
def test_config_trains_on_drc(name, drc, tmp_path, monkeypatch, capsys):
    """The last one is another with neighbours; it trains in half precision here."""
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    monkeypatch.chdir(tmp_path)
    options = [f"{key}={value}" for key, value in (SHORT | SMALL_DRC).items()]
    options += ["load_from=None"] * name.endswith("nn")
    command = ["train", f"ssl3d/{name}.py", "--work-dir", "run"]
    command += ["--amp", "bf16"] * name.startswith("ssl3d_narrow")
    command += ["--cfg-options", f"data_root={drc}", 'categories=["chair"]']
    assert console.main([*command, *options]) == 0
    assert (tmp_path / "run/pictures/iter_0002.png").exists()
    printed = capsys.readouterr().out
    assert "aligned/chamfer" in printed and "pose/median" in printed
    if name == "ssl3d_narrow_drc_nn":
        assert console.main(["test", printed.splitlines()[-1]]) == 0
        assert "colour error" in capsys.readouterr().out
        drawn = {path.name for path in (tmp_path / "run").rglob("test_*.png")}
        assert drawn == {"test_samples.png", "test_cameras_chair.png"}
    state = load(tmp_path / "run")
    assert state["meta"]["iter"] == 2
    values = [v for v in state["state_dict"].values() if v.is_floating_point()]
    assert all(torch.isfinite(value).all() for value in values)


def test_second_stage_starts_from_the_first():
    one, two = (load_config(f"ssl3d/ours_{n}.py", verbose=False) for n in ("cc", "nn"))
    assert two.load_from == f"work_dirs/ours_cc/iter_{one.train_cfg.max_iters}.pth"
    states = [set(MODELS.build(cfg.model).state_dict()) for cfg in (one, two)]
    assert states[0] == states[1]


def test_resumed_run_ends_alike(data, tmp_path, monkeypatch):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")

    def train(name, *arguments, at=-1):
        options = SHORT | {
            "train_cfg.max_iters": 4,
            "train_cfg.val_interval": 4,
            "default_hooks.checkpoint.interval": 2,
            "custom_hooks": [dict(type="KillsRun", at=at)],
            "model.shape.num_points": 64,
        }
        cfg = load_config("ssl3d/ssl3d_narrow_custom.py", verbose=False)
        cfg.merge_from_dict(options)
        for mode in ("train", "val", "test"):
            cfg[f"{mode}_dataloader"].dataset.data_root = str(data)
        path = tmp_path / f"{name}{at}.py"
        path.write_text(config_to_text(cfg))
        command = ["train", str(path), "--work-dir", str(tmp_path / name), *arguments]
        return console.main(command)

    assert train("whole") == 0
    with pytest.raises(Killed):
        train("killed", at=3)
    assert load(tmp_path / "killed")["meta"]["iter"] == 2
    assert train("killed", "--resume") == 0
    whole, resumed = (training_state(tmp_path / name) for name in ("whole", "killed"))
    assert whole["place"]["iter"] == 4
    assert not differences(whole, resumed)
