# SPDX-License-Identifier: Apache-2.0
"""The configs on renderings from everywhere and on photographs train and test."""

import json

import cv2
import numpy as np
import pytest
from scipy.io import savemat
from scipy.spatial.transform import Rotation
from toy_config import load

from svr3d.cli import main as console
from svr3d.engine.config import load_config

SHORT = {
    "train_cfg.max_iters": 2,
    "train_cfg.val_interval": 2,
    "train_dataloader.batch_size": 3,
    "train_dataloader.num_workers": 0,
    "val_dataloader.num_workers": 0,
    "test_dataloader.num_workers": 0,
    "model.head.hidden_features": (4,),
    "model.head.subdivisions": 1,
}
GRID = np.zeros((32, 32, 32), bool)
GRID[8:24, 10:22, 6:26] = True


def write_lsm(root):
    """Five chairs of 20 views, as the learnt stereo machine rendered them."""
    rng = np.random.default_rng(0)
    names = {"train": ["a", "b", "c"], "val": ["d"], "test": ["e"]}
    (root / "voxels/modelVoxels32/03001627").mkdir(parents=True)
    for model in sum(names.values(), []):
        folder = root / "renders/03001627" / model
        folder.mkdir(parents=True)
        rows = []
        for view in range(20):
            depth = np.full((80, 80), 255, np.uint8)
            depth[20:60, 25:50] = 90
            image = rng.integers(0, 255, (80, 80, 3), np.uint8)
            cv2.imwrite(str(folder / f"render_{view}.png"), image)
            cv2.imwrite(str(folder / f"depth_{view}.png"), depth)
            rows.append([rng.uniform(-180, 180), rng.uniform(-20, 40), 0, 2.0])
        np.savetxt(folder / "view.txt", rows)
        path = root / f"voxels/modelVoxels32/03001627/{model}.mat"
        savemat(path, {"Volume": GRID.astype(np.uint8)})
    (root / "splits.json").write_text(json.dumps({"03001627": names}))
    return 72


def write_pascal3d(root):
    """Photographs of cars, seen from all around."""
    rng = np.random.default_rng(0)
    for source, count in (("train", 3), ("imagenet", 2), ("val", 2)):
        pictures = np.empty(count, object)
        for index in range(count):
            pictures[index] = rng.integers(0, 255, (60, 90, 3), np.uint8)
        references = np.zeros((count, 224, 224, 4), np.uint8)
        references[:, 60:160, 40:180] = 255
        turns = Rotation.from_euler("y", 80.0 * np.arange(count)[:, None], degrees=True)
        np.savez(
            root / f"car_{source}.npz",
            images=pictures,
            images_ref=references,
            bounding_boxes=np.tile([10.0, 8.0, 60.0, 40.0], (count, 1)),
            rotation_matrices=turns.as_matrix().astype(np.float32),
            voxels=np.tile(GRID, (count, 1, 1, 1)),
        )
    return 3


@pytest.mark.parametrize(
    ("name", "write", "changes"),
    [
        (
            "featgan_nips17",
            write_lsm,
            {
                "model.backbone.widths": (2, 2, 2),
                "model.backbone.hidden_features": (4,),
            },
        ),
        ("featgan_pascal3d", write_pascal3d, {}),
    ],
)
def test_config_trains_and_tests(name, write, changes, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    classes = write(data)
    options = [f"{key}={value}" for key, value in (SHORT | changes).items()]
    command = ["train", f"learn3d/{name}.py", "--work-dir", "run", "--cfg-options"]
    assert console.main([*command, f"data_root={data}", *options]) == 0
    output = capsys.readouterr().out
    assert "voxel/iou_category_mean" in output
    state = load(tmp_path / "run")
    assert state["meta"]["iter"] == 2
    assert state["meta"]["dataset_meta"]["num_view_classes"] == classes
    assert len(state["state_dict"]["adversary.classifier.to_classes.bias"]) == classes
    assert console.main(["test", output.splitlines()[-1]]) == 0
    assert "voxel/iou_category_mean" in capsys.readouterr().out


def test_cameras_are_those_of_the_data():
    angles = {
        name: load_config(f"learn3d/featgan_{name}.py", verbose=False).model.renderer
        for name in ("cvpr18", "nips17", "pascal3d")
    }
    assert angles["cvpr18"].get("half_angle", 15.0) == 15.0
    assert angles["nips17"].half_angle == 14.9314
    assert angles["pascal3d"].camera == "orthographic"
