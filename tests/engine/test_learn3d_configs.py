# SPDX-License-Identifier: Apache-2.0
"""The shipped configs of meshes from silhouettes train, resume and test."""

import numpy as np
import pytest
import torch
from killed_runs import Killed
from toy_config import differences, load, training_state

from svr3d.cli import main as console
from svr3d.engine.config import config_to_text, load_config

VIEWS = 3
# A sphere of 42 vertices and narrow layers; the course is that of the recipes.
SMALL = {
    "train_cfg.max_iters": 2,
    "train_cfg.val_interval": 2,
    "train_dataloader.batch_size": 3,
    "train_dataloader.num_workers": 0,
    "val_dataloader.num_workers": 0,
    "test_dataloader.num_workers": 0,
    "categories": None,
    "model.backbone.widths": (2, 2, 2),
    "model.backbone.hidden_features": (4,),
    "model.head.hidden_features": (4,),
    "model.head.subdivisions": 1,
}
DISCRIMINATOR = {"model.adversary.discriminator.widths": (2, 2, 2, 2)}


@pytest.fixture(scope="module")
def nmr(tmp_path_factory):
    """Boxes in the layout of the neural mesh renderer's data, with three views."""
    root = tmp_path_factory.mktemp("nmr")
    rng = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2), ("test", 1)):
        images = np.zeros((count, VIEWS, 4, 64, 64), np.uint8)
        images[..., 16:50, 20:44] = rng.integers(1, 255, (count, VIEWS, 4, 1, 1))
        images[:, :, 3] = (images[:, :, 3] > 0) * 255
        voxels = np.zeros((count, 32, 32, 32), bool)
        voxels[:, 8:24, 10:22, 4:28] = True
        np.savez_compressed(root / f"box_{split}_images.npz", arr_0=images)
        np.savez_compressed(root / f"box_{split}_voxels.npz", arr_0=voxels)
    return root


def options(changes):
    return [f"{key}={value}" for key, value in changes.items()]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("ae_cvpr18", {"backbone", "head"}),
        ("ae_narrow_custom", {"backbone", "head"}),
        ("featgan_cvpr18", {"adversary", "backbone", "head"}),
        ("featgan_narrow_custom", {"adversary", "backbone", "head"}),
        ("featgan_reversal_narrow_custom", {"adversary", "backbone", "head"}),
        ("featgan_reversal_cvpr18", {"adversary", "backbone", "head"}),
        ("vpl_cvpr18", {"adversary", "backbone", "head"}),
        ("vpl_narrow_custom", {"adversary", "backbone", "head"}),
    ],
)
def test_config_trains_and_tests(name, parts, nmr, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    monkeypatch.chdir(tmp_path)
    changes = SMALL | (DISCRIMINATOR if "vpl" in name else {})
    command = ["train", f"learn3d/{name}.py", "--work-dir", "run", "--cfg-options"]
    assert console.main([*command, f"data_root={nmr}", *options(changes)]) == 0
    output = capsys.readouterr().out
    assert "codes/view_mmd" in output and "voxel/iou_category_mean" in output
    last = output.splitlines()[-1]
    state = load(tmp_path / "run")
    assert state["meta"]["iter"] == 2
    assert state["meta"]["dataset_meta"]["num_view_classes"] == VIEWS
    assert set(state["optimizer"]) == parts
    weights = state["state_dict"]
    assert all(torch.isfinite(value).all() for value in weights.values())
    width = {
        "adversary.classifier.to_classes.bias": lambda value: len(value),
        "adversary.discriminator.first.weight": lambda value: value.shape[1] - 1,
    }
    found = [width[key](weights[key]) for key in width if key in weights]
    assert found == ([VIEWS] if "adversary" in parts else [])
    if name in ("featgan_narrow_custom", "vpl_narrow_custom"):
        # The classes are known of the weights alone.
        assert console.main(["test", last]) == 0
        assert "voxel/iou_category_mean" in capsys.readouterr().out


def test_resumed_run_goes_on_with_the_step_that_is_due(nmr, tmp_path, monkeypatch):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")

    def train(name, *arguments, at=-1):
        cfg = load_config("learn3d/featgan_narrow_custom.py", verbose=False)
        changes = SMALL | {
            "train_cfg.max_iters": 4,
            "train_cfg.val_interval": 4,
            "default_hooks.checkpoint.interval": 3,
            "custom_hooks": [dict(type="KillsRun", at=at)],
        }
        cfg.merge_from_dict(changes)
        for mode in ("train", "val", "test"):
            cfg[f"{mode}_dataloader"].dataset.data_root = str(nmr)
        path = tmp_path / f"{name}{at}.py"
        path.write_text(config_to_text(cfg))
        command = ["train", str(path), "--work-dir", str(tmp_path / name), *arguments]
        return console.main(command)

    assert train("whole") == 0
    with pytest.raises(Killed):
        train("killed", at=3)
    assert load(tmp_path / "killed")["meta"]["iter"] == 3
    assert train("killed", "--resume") == 0
    whole, resumed = (training_state(tmp_path / name) for name in ("whole", "killed"))
    assert whole["place"]["iter"] == 4
    assert not differences(whole, resumed)
    # The adversary stepped in the first and the third of four iterations.
    moments = whole["optimizer"]["adversary"]["state"]
    assert {int(value["step"]) for value in moments.values()} == {2}
