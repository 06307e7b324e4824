# SPDX-License-Identifier: Apache-2.0
"""Pix3D from its download to a table: grids, weights, test."""

import csv
import json

import cv2
import numpy as np
import pytest
import torch
import trimesh
from paddle_files import OPTIONS, paddle_file

from svr3d.datasets.pix3d_annotations import FLAGS
from svr3d.engine.checkpoint import load_model
from svr3d.engine.config import load_config
from svr3d.engine.lint import lint_config
from svr3d.io.binvox import read_binvox
from svr3d.registry import DATASETS

PHOTOGRAPHS = {
    "chair/0001": ("A", {}),
    "chair/0002": ("A", {"truncated": True}),
    "chair/0003": ("B", {"occluded": True}),
    "chair/0004": ("B", {}),
    "chair/0005": ("B", {"slightly_occluded": True}),
    "bed/0001": ("C", {}),
}
SIDES = {"A": (1.0, 2.0, 1.0), "B": (0.5, 0.5, 1.0), "C": (1.0, 1.0, 1.0)}
KEPT = ["chair/0001", "chair/0004"]


@pytest.fixture
def pix3d(tmp_path):
    """A tree of the download's layout: boxes seen from the front."""
    root = tmp_path / "pix3d"
    rng = np.random.default_rng(0)
    entries = []
    for name, (model, flags) in PHOTOGRAPHS.items():
        category = name.split("/")[0]
        folder = f"model/{category}/{model}"
        for path in (folder, f"img/{category}", f"mask/{category}"):
            (root / path).mkdir(parents=True, exist_ok=True)
        trimesh.creation.box(SIDES[model]).export(root / folder / "model.obj")
        mask = np.zeros((120, 160), np.uint8)
        mask[20:100, 60:100] = 255
        cv2.imwrite(str(root / f"mask/{name}.png"), mask)
        photograph = rng.integers(0, 255, (120, 160, 3), np.uint8)
        cv2.imwrite(str(root / f"img/{name}.jpg"), photograph)
        entries.append(
            {
                "img": f"img/{name}.jpg",
                "category": category,
                "img_size": [160, 120],
                "mask": f"mask/{name}.png",
                "model": f"{folder}/model.obj",
                "voxel": f"{folder}/voxel.mat",
                "rot_mat": np.eye(3).tolist(),
                "trans_mat": [0.0, 0.0, 3.0],
                "focal_length": 35.0,
                "bbox": [60, 20, 100, 100],
                **dict.fromkeys(FLAGS, False),
                **flags,
            }
        )
    (root / "pix3d.json").write_text(json.dumps(entries))
    return root


def test_from_the_download_to_a_table(svr3d, tmp_path, model, pix3d):
    code, lines, errors = svr3d("pix3d-voxels", pix3d, "--categories", "chair")
    assert (code, lines[-1]) == (0, str(pix3d)) and "2 grids made" in lines[-2]
    source = paddle_file(tmp_path / "net.pdparams", model)
    weights = ("convert-r2n2", source, "net.pth", "--format", "paddle")
    code, _, errors = svr3d(*weights, "--config", "r2n2/res3dgru_pix3d.py", *OPTIONS)
    assert code == 0, errors
    options = (f"data_root={pix3d}", "test_dataloader.num_workers=0")
    code, lines, errors = svr3d("test", "net.pth", "--cfg-options", *options)
    assert code == 0, errors
    results = tmp_path / "test/results"
    table = json.loads((results / "test_voxel.json").read_text())
    assert table["protocol"]["split"].startswith("Pix3D, chairs")
    with open(results / "test_voxel_samples.csv") as file:
        rows = {row["sample_id"]: row for row in csv.DictReader(file)}
    assert sorted(rows) == KEPT
    # The same figures by hand, from the network's volume and the file's grid.
    converted, cfg, _ = load_model(tmp_path / "net.pth")
    cfg.test_dataloader.dataset.data_root = str(pix3d)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    assert dataset.metainfo["excluded"]["samples"] == 3
    for sample in dataset:
        name = sample["sample_id"]
        assert sample["images"].shape == (1, 3, 127, 127)
        with torch.no_grad():
            batch = {"images": sample["images"][None], "sample_id": [name]}
            batch = converted.data_preprocessor(batch)
            volume = converted(mode="predict", **batch).probabilities[0].numpy()
        path = pix3d / f"model/chair/{PHOTOGRAPHS[name][0]}/model.binvox"
        solid, found = read_binvox(path).voxels > 0, volume >= np.float32(0.4)
        expected = (solid & found).sum() / (solid | found).sum()
        assert float(rows[name]["t=0.40"]) == pytest.approx(expected, abs=1e-4)


def test_config_is_clean_and_cannot_train(svr3d, tmp_path):
    assert lint_config(load_config("r2n2/res3dgru_pix3d.py")) == []
    code, _, errors = svr3d("train", "r2n2/res3dgru_pix3d.py", "--work-dir", "x")
    assert code == 2 and "train_dataloader" in errors
