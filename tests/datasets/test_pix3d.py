# SPDX-License-Identifier: Apache-2.0
import json

import cv2
import numpy as np
import pytest
import torch
from scipy.io import savemat
from torch.utils.data import default_collate

from svr3d.datasets import Pix3D, SeededIndex
from svr3d.datasets.pix3d_annotations import FLAGS
from svr3d.datasets.pix3d_geometry import pix3d_camera, read_voxel_mat
from svr3d.datasets.transforms import CenterCrop, PackViews, RandomBackground
from svr3d.errors import ConfigError, DataError
from svr3d.geometry.cameras import project
from svr3d.io.binvox import write_binvox

PACKED = (CenterCrop((32, 32), (48, 48)), RandomBackground(), PackViews())


@pytest.fixture
def tree(tmp_path):
    """Two photographs of one chair and one of a bed, with 64^3 grids."""
    rng = np.random.default_rng(0)
    entries = []
    for name, model in (("chair/0001", "M0"), ("chair/0002", "M0"), ("bed/7", "B")):
        category = name.split("/")[0]
        for folder, channels in (("img", 3), ("mask", 1)):
            path = tmp_path / folder / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 255, (60, 80, channels), np.uint8)
            if folder == "mask":
                pixels = np.zeros((60, 80), np.uint8)
                pixels[20:40, 30:60] = 255
            cv2.imwrite(str(path), pixels)
        folder = tmp_path / "model" / category / model
        folder.mkdir(parents=True, exist_ok=True)
        grid = np.zeros((64, 64, 64), np.uint8)
        grid[:2, 10:12, 62:] = 1
        savemat(folder / "voxel.mat", {"voxel": grid})
        entries.append(
            {
                "img": f"img/{name}.png",
                "category": category,
                "img_size": [80, 60],
                "bbox": [30, 20, 60, 40],
                "mask": f"mask/{name}.png",
                "voxel": f"model/{category}/{model}/voxel.mat",
                "rot_mat": np.eye(3).tolist(),
                "trans_mat": [0.0, 0.0, 2.0],
                "focal_length": 32.0,
            }
        )
    (tmp_path / "pix3d.json").write_text(json.dumps(entries))
    split = [
        {"taxonomy_id": "chair", "train": ["0002"], "test": ["0001"]},
        {"taxonomy_id": "bed", "train": [], "test": ["7"]},
    ]
    (tmp_path / "Pix3D.json").write_text(json.dumps(split))
    return tmp_path


def make(root, pipeline=PACKED, **options):
    return Pix3D(str(root), pipeline, **options)


def test_a_batch_follows_the_contract(tree):
    batch = default_collate(list(make(tree)))
    shapes = {key: tuple(v.shape) for key, v in batch.items() if key != "sample_id"}
    assert shapes == {
        "images": (2, 1, 3, 32, 32),
        "masks": (2, 1, 1, 32, 32),
        "intrinsics": (2, 1, 3, 3),
        "extrinsics": (2, 1, 3, 4),
        "view_angles": (2, 1, 3),
        "view_ids": (2, 1),
        "voxels": (2, 32, 32, 32),
        "category": (2,),
    }
    assert batch["sample_id"] == ["chair/0001", "bed/7"]
    assert batch["category"].tolist() == [0, 1]


def flag(root, name, **flags):
    """Add flags to all annotations, those given to one photograph."""
    entries = json.loads((root / "pix3d.json").read_text())
    for entry in entries:
        entry |= dict.fromkeys(FLAGS, False)
        if entry["img"] == f"img/{name}.png":
            entry |= flags
    (root / "pix3d.json").write_text(json.dumps(entries))


def test_annotations_alone_list_all_photographs_for_testing(tree):
    (tree / "Pix3D.json").unlink()
    dataset = make(tree, split_file=None)
    assert dataset.sample_ids == ["bed/7", "chair/0001", "chair/0002"]
    assert dataset.metainfo["categories"] == ["bed", "chair"]
    assert make(tree, split_file=None, split="val").sample_ids == dataset.sample_ids
    chairs = make(tree, split_file=None, categories=["chair"])
    assert chairs.sample_ids == ["chair/0001", "chair/0002"]
    with pytest.raises(DataError, match="found none"):
        make(tree, split_file=None, split="train")
    with pytest.raises(DataError, match="did you mean chair"):
        make(tree, split_file=None, categories=["chairs"])


@pytest.mark.parametrize("name", FLAGS)
def test_flagged_photographs_are_left_out(tree, name):
    flag(tree, "chair/0001", **{name: True})
    assert "chair/0001" in make(tree).sample_ids
    for exclude in ([name], FLAGS):
        dataset = make(tree, exclude=exclude)
        assert dataset.sample_ids == ["bed/7"]
        expected = {"flags": list(exclude), "samples": 1}
        assert dataset.metainfo["excluded"] == expected
    others = [other for other in FLAGS if other != name]
    assert make(tree, exclude=others).sample_ids == make(tree).sample_ids


def test_flags_must_be_there(tree):
    with pytest.raises(DataError, match="chair/0001: expected 'occluded' to be true"):
        make(tree, exclude=["occluded"])
    for wrong in (["hidden"], "occluded"):
        with pytest.raises(ConfigError, match="exclude must be some of"):
            make(tree, exclude=wrong)


def test_val_is_the_test_list(tree):
    assert make(tree, split="val").sample_ids == make(tree).sample_ids
    assert make(tree, split="train").sample_ids == ["chair/0002"]


def test_voxel_mat_is_turned_into_the_axes_of_the_mesh(tree):
    """Stored: left, outward, up. Wanted: left, up, inward."""
    grid = read_voxel_mat(tree / "model/chair/M0/voxel.mat", 32)
    assert np.argwhere(grid).tolist() == [[0, 31, 26]]


def test_binvox_wins_where_it_exists(tree):
    voxels = np.eye(32)[None].repeat(32, axis=0)
    path = tree / "model/chair/M0/model.binvox"
    write_binvox(path, voxels)
    np.testing.assert_array_equal(make(tree).read_voxels(0), voxels)
    assert make(tree, voxels="mat").read_voxels(0).sum() == 1
    with pytest.raises(DataError, match="model/bed/B/model.binvox"):
        make(tree, voxels="binvox")
    write_binvox(path, np.ones((16, 16, 16)))
    with pytest.raises(DataError, match="grid of 32"):
        make(tree)


def test_masks(tree):
    kept = make(tree, [dict])[0]
    assert kept["images"].shape == (1, 60, 80, 3)
    assert kept["masks"].sum() == 600
    cut = make(tree, [RandomBackground(((0, 0),) * 3)], masks="alpha")[0]
    outside = cut["masks"] == 0
    assert outside.sum() == 60 * 80 - 600
    assert (cut["images"][outside] == 0).all()
    assert "masks" not in make(tree, [dict], masks="none")[0]


def test_camera_looks_along_z_with_x_to_the_left_and_y_up():
    entry = {
        "rot_mat": np.eye(3).tolist(),
        "trans_mat": [0, 0, 2],
        "focal_length": 32.0,
        "img_size": [80, 60],
    }
    extrinsics, intrinsics, angles = pix3d_camera(entry)
    points = torch.tensor([[0.0, 0, 0], [0.5, 0, 0], [0, 0.5, 0]], dtype=torch.float64)
    pixels, depth = project(points, extrinsics, intrinsics)
    expected = torch.tensor([[40.0, 30], [20, 30], [40, 10]], dtype=torch.float64)
    torch.testing.assert_close(pixels[0], expected)
    assert depth[0, 0] == 2
    assert angles == pytest.approx([270, 0, 2])
    assert pix3d_camera({"img_size": [80, 60]}) is None


def remove(path):
    path.unlink()


def truncate(path):
    path.write_bytes(path.read_bytes()[:-30])


@pytest.mark.parametrize("damage", [remove, truncate])
@pytest.mark.parametrize(
    "name", ["img/chair/0001.png", "mask/chair/0001.png", "model/chair/M0/voxel.mat"]
)
@pytest.mark.parametrize("check_files", ["quick", "full"])
def test_broken_files_stop_or_are_skipped(tree, name, damage, check_files):
    damage(tree / name)
    with pytest.raises(DataError, match=name) as error:
        make(tree, check_files=check_files)
    assert "1 of 2 samples" in str(error.value)
    dataset = make(tree, skip_missing=True, check_files=check_files)
    assert dataset.sample_ids == ["bed/7"]


def test_sizes_must_agree(tree):
    cv2.imwrite(str(tree / "mask/chair/0001.png"), np.zeros((30, 40), np.uint8))
    with pytest.raises(DataError, match=r"mask/chair/0001.png: expected size"):
        make(tree)[0]
    cv2.imwrite(str(tree / "img/chair/0001.png"), np.zeros((30, 40), np.uint8))
    with pytest.raises(DataError, match=r"expected \[80, 60\] pixels"):
        make(tree)[0]


def test_annotations_are_checked(tree):
    (tree / "Pix3D.json").write_text(
        json.dumps([{"taxonomy_id": "chair", "test": ["9999"]}])
    )
    with pytest.raises(DataError, match="no entry for chair/9999"):
        make(tree)
    (tree / "pix3d.json").write_text(json.dumps([{"img": "img/chair/0001.png"}]))
    with pytest.raises(DataError, match="entry 0: expected a key 'bbox'"):
        make(tree)
    (tree / "pix3d.json").write_text("{}")
    with pytest.raises(DataError, match="list of annotations"):
        make(tree)


def test_there_is_one_view(tree):
    with pytest.raises(DataError, match="only view"):
        make(tree)[SeededIndex(0, 0, 2)]


@pytest.mark.parametrize("name", ["split", "voxels", "masks"])
def test_impossible_options(tree, name):
    with pytest.raises(ConfigError, match=f"{name} must be one of"):
        make(tree, **{name: "other"})
