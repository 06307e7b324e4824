# SPDX-License-Identifier: Apache-2.0
"""Every 3D-R2N2 config on the R2N2 layout trains, validates, keeps finite weights."""

import json

import cv2
import numpy as np
import pytest
import torch

from svr3d.engine.config import load_config, shipped_configs
from svr3d.engine.runner import build_runner, prepare_config
from svr3d.io.binvox import write_binvox

CONFIGS = [
    name
    for name in shipped_configs()
    if name.startswith("r2n2/") and "pix3d" not in name
]
SPLITS = {"train": 2, "val": 1, "test": 1}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """One category of boxes with six views of 137 pixels."""
    root = tmp_path_factory.mktemp("boxes")
    entry = {"taxonomy_id": "03001627", "taxonomy_name": "chair"}
    for split, count in SPLITS.items():
        entry[split] = [f"{split}{index}" for index in range(count)]
        for index, model in enumerate(entry[split]):
            write_object(root, entry["taxonomy_id"], model, 6 + 4 * index)
    for name in ("ShapeNet.json", "ShapeNet_variants.json"):
        (root / name).write_text(json.dumps([entry]))
    return root


def write_object(root, category, model, size):
    folder = root / "ShapeNetRendering" / category / model / "rendering"
    folder.mkdir(parents=True)
    for view in range(6):
        image = np.zeros((137, 137, 4), np.uint8)
        image[40 : 40 + 2 * size, 30 + view : 30 + view + 3 * size] = (
            90,
            120,
            150,
            255,
        )
        cv2.imwrite(str(folder / f"{view:02d}.png"), image)
    lines = [f"{60 * view} 25 0 0.8 25" for view in range(6)]
    (folder / "rendering_metadata.txt").write_text("\n".join(lines) + "\n")
    voxels = np.zeros((32, 32, 32), np.uint8)
    voxels[:size, :size, :8] = 1
    target = root / "ShapeNetVox32" / category / model
    target.mkdir(parents=True)
    write_binvox(target / "model.binvox", voxels)


@pytest.mark.parametrize("name", CONFIGS)
def test_two_iterations(name, data, tmp_path, monkeypatch):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    changes = {
        "data_root": str(data),
        "train_dataloader.batch_size": 1,
        "default_hooks.checkpoint.interval": -1,
        "default_hooks.checkpoint.save_best": None,
        "train_cfg.val_interval": 1,
    }
    for mode in ("train", "val", "test"):
        changes[f"{mode}_dataloader.num_workers"] = 0
        changes[f"{mode}_dataloader.dataset.num_views"] = 2
    cfg = load_config(name, changes, verbose=False)
    if "max_iters" in cfg.train_cfg:
        cfg.train_cfg.update(max_iters=2, val_interval=2)
        cfg.train_dataloader.batch_sampler.num_views = (2, 2)
    else:
        cfg.train_cfg.max_epochs = 1
    runner = build_runner(prepare_config(cfg, work_dir=tmp_path))
    before = {key: p.detach().clone() for key, p in runner.model.named_parameters()}
    runner.train()
    assert runner.iter == 2
    for key, parameter in runner.model.named_parameters():
        assert torch.isfinite(parameter).all(), key
    changed = [
        key
        for key, parameter in runner.model.named_parameters()
        if not torch.equal(parameter, before[key])
    ]
    assert len(changed) > 0.9 * len(before)
    assert 0 <= runner.message_hub.get_scalar("val/voxel/iou_max").current() <= 1
