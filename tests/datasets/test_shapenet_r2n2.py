# SPDX-License-Identifier: Apache-2.0
import shutil

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from svr3d.datasets import PointSampling, SeededIndex, ShapeNetR2N2
from svr3d.datasets.transforms import (
    CenterCrop,
    ColorJitter,
    PackViews,
    RandomBackground,
    RandomFlip,
)
from svr3d.errors import ConfigError, DataError
from svr3d.geometry.cameras import choy_camera, project
from svr3d.io.cameras import read_rendering_metadata

PACKED = (
    CenterCrop((32, 32), (48, 48)),
    RandomBackground(),
    ColorJitter(),
    RandomFlip(),
    PackViews(),
)


def make(root, pipeline=PACKED, **options):
    return ShapeNetR2N2(str(root), pipeline, **options)


def equal(one, other):
    return all(
        torch.equal(value, other[key])
        if isinstance(value, torch.Tensor)
        else value == other[key]
        for key, value in one.items()
    )


def test_a_batch_follows_the_contract(tree):
    points = PointSampling(num_points=50, num_surface_points=40)
    dataset = make(tree, num_views=3, view_selection="random", points=points)
    batch = default_collate([dataset[0], dataset[3]])
    expected = {
        "images": ((2, 3, 3, 32, 32), torch.float32),
        "masks": ((2, 3, 1, 32, 32), torch.float32),
        "intrinsics": ((2, 3, 3, 3), torch.float32),
        "extrinsics": ((2, 3, 3, 4), torch.float32),
        "view_angles": ((2, 3, 3), torch.float32),
        "view_ids": ((2, 3), torch.int64),
        "voxels": ((2, 16, 16, 16), torch.uint8),
        "points": ((2, 50, 3), torch.float32),
        "occupancies": ((2, 50), torch.float32),
        "surface_points": ((2, 40, 3), torch.float32),
        "surface_normals": ((2, 40, 3), torch.float32),
        "category": ((2,), torch.int64),
    }
    found = {k: (tuple(v.shape), v.dtype) for k, v in batch.items() if k in expected}
    assert found == expected
    assert batch["sample_id"] == ["03001627/c2", "02691156/a0"]
    assert batch["category"].tolist() == [0, 1]
    assert set(batch) == {*expected, "sample_id"}
    inside = (batch["points"][..., 0] > 0).float()
    assert torch.equal(batch["occupancies"], inside)


def test_metainfo_is_made_of_builtins(tree):
    meta = make(tree, num_views=2).metainfo
    assert meta["categories"] == ["chair", "aeroplane"]
    assert meta["taxonomy_ids"] == ["03001627", "02691156"]
    assert meta["baselines"] == {"chair": {"1-view": 0.5}}
    assert (meta["layout"], meta["split"], meta["num_views"]) == ("r2n2", "train", 2)


def test_samples_follow_the_list(tree):
    assert make(tree).sample_ids == [
        *("03001627/c2", "03001627/c0", "03001627/c1"),
        "02691156/a0",
    ]
    assert make(tree, split="test").category_ids == [0, 1, 1]
    planes = make(tree, categories=["aeroplane"])
    assert planes.sample_ids == ["02691156/a0"] and planes.category_ids == [0]
    assert make(tree, indices=[3, 1]).sample_ids == ["02691156/a0", "03001627/c0"]
    assert make(tree, max_samples=2).sample_ids == ["03001627/c2", "03001627/c1"]


def test_portions_take_sorted_folders(tree):
    train = make(tree, portion=(0, 0.8))
    assert train.metainfo["categories"] == ["aeroplane", "chair"]
    assert train.sample_ids[:2] == ["02691156/a0", "02691156/a1"]
    test = make(tree, split="test", portion=(0.8, 1))
    assert test.sample_ids == ["02691156/a2", "03001627/c4"]


@pytest.mark.parametrize("selection", ["random", "first", "fixed"])
def test_view_selection(tree, selection):
    wanted = [4, 1, 5] if selection == "fixed" else None
    dataset = make(tree, [dict], num_views=3, view_selection=selection, view_ids=wanted)
    sample = dataset[0]
    views = sample["view_ids"].tolist()
    if selection == "random":
        assert len(set(views)) == 3
        drawn = {tuple(dataset[SeededIndex(0, s)]["view_ids"]) for s in range(20)}
        assert len(drawn) > 10
    else:
        assert views == ([0, 1, 2] if selection == "first" else wanted)
    folder = tree / "ShapeNetRendering/03001627/c2/rendering"
    rows = read_rendering_metadata(folder / "rendering_metadata.txt")[views]
    np.testing.assert_array_equal(sample["view_angles"], rows[:, [0, 1, 3]])
    sampler_choice = dataset[SeededIndex(0, 7, num_views=2)]
    assert len(sampler_choice["images"]) == 2


def test_cameras_are_in_the_object_frame(tree):
    sample = make(tree, [dict])[0]
    folder = tree / "ShapeNetRendering/03001627/c2/rendering"
    rows = read_rendering_metadata(folder / "rendering_metadata.txt")[:1]
    corners = torch.tensor([[-0.5, -0.5, -0.5], [0.5, 0.5, 0.5]], dtype=torch.float64)
    in_mesh = 0.8 * (corners + 0.5) + torch.tensor(
        [-0.3, -0.2, -0.4], dtype=torch.float64
    )
    cameras = choy_camera(torch.from_numpy(rows), height=64, width=64)
    expected, _ = project(in_mesh, *cameras)
    found, _ = project(corners, sample["extrinsics"], sample["intrinsics"])
    torch.testing.assert_close(found, expected)


def test_augmentation_depends_on_the_seed_alone(tree):
    dataset = make(tree, num_views=2, view_selection="random")
    first = dataset[SeededIndex(1, 5)]
    dataset[SeededIndex(2, 9)]
    assert equal(first, dataset[SeededIndex(1, 5)])
    assert not equal(first, dataset[SeededIndex(1, 6)])
    assert equal(dataset[1], make(tree, num_views=2, view_selection="random")[1])
    assert equal(dataset[-1], dataset[3])
    assert equal(dataset.get_sample("02691156/a0"), dataset[3])
    with pytest.raises(IndexError):
        dataset[4]
    with pytest.raises(KeyError, match="a9"):
        dataset.get_sample("02691156/a9")


def test_global_generators_are_neither_read_nor_moved(tree):
    import random

    dataset = make(tree, num_views=2, view_selection="random")
    random.seed(0)
    np.random.seed(0)
    expected = dataset[0]
    assert random.random() == random.Random(0).random()
    assert np.random.random() == np.random.RandomState(0).random_sample()
    assert equal(expected, dataset[0])


def test_voxels_alone(tree):
    dataset = make(tree)
    assert torch.equal(torch.from_numpy(dataset.read_voxels(0)), dataset[0]["voxels"])


def break_image(root):
    path = root / "ShapeNetRendering/03001627/c0/rendering/03.png"
    path.write_bytes(path.read_bytes()[:-40])
    return path


def remove_image(root):
    path = root / "ShapeNetRendering/03001627/c0/rendering/03.png"
    path.unlink()
    return path


def break_grid(root):
    path = root / "ShapeNetVox32/03001627/c0/model.binvox"
    path.write_bytes(path.read_bytes()[:-2])
    return path


def remove_grid(root):
    path = root / "ShapeNetVox32/03001627/c0/model.binvox"
    path.unlink()
    return path


def remove_cameras(root):
    path = root / "ShapeNetRendering/03001627/c0/rendering/rendering_metadata.txt"
    path.unlink()
    return path


def remove_object(root):
    path = root / "ShapeNetRendering/03001627/c0"
    shutil.rmtree(path)
    return path


def break_points(root):
    path = root / "ShapeNetPoints/03001627/c0/points.npz"
    path.write_bytes(path.read_bytes()[:200])
    return path


@pytest.mark.parametrize(
    "damage, reason",
    [
        (break_image, "truncated PNG"),
        (remove_image, "missing"),
        (break_grid, "expected runs over 4096 voxels"),
        (remove_grid, "No such file"),
        (remove_cameras, "No such file"),
        (remove_object, "No such file"),
        (break_points, "truncated"),
    ],
)
@pytest.mark.parametrize("check_files", ["quick", "full"])
def test_broken_files_stop_or_are_skipped(own_tree, damage, reason, check_files):
    path = damage(own_tree)
    options = dict(
        view_selection="random",
        points=dict(num_points=5),
        check_files=check_files,
    )
    # A full check words the same finding as reading does.
    reason = {"missing": "missing|No such file"}.get(reason, reason)
    with pytest.raises(DataError, match=reason) as error:
        make(own_tree, **options)
    assert str(path) in str(error.value)
    assert "1 of 4 samples" in str(error.value)
    dataset = make(own_tree, skip_missing=True, **options)
    assert len(dataset) == 3 and "03001627/c0" not in dataset.sample_ids
    assert list(dataset.skipped) == ["03001627/c0"]
    assert str(path) in dataset.skipped["03001627/c0"][0]


def test_damage_inside_an_image_is_found_by_the_full_check(own_tree):
    path = own_tree / "ShapeNetRendering/03001627/c0/rendering/00.png"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    dataset = make(own_tree)
    with pytest.raises(DataError, match="checksum"):
        dataset[1]
    with pytest.raises(DataError, match="checksum"):
        make(own_tree, check_files="full")


def test_only_ten_problems_are_listed(own_tree):
    for path in (own_tree / "ShapeNetRendering/03001627").rglob("*.png"):
        path.unlink()
    with pytest.raises(DataError, match="and 8 more") as error:
        make(own_tree, view_selection="random")
    assert str(error.value).count("missing\n") == 10


def test_nothing_left_is_an_error(own_tree):
    shutil.rmtree(own_tree / "ShapeNetVox32")
    with pytest.raises(DataError, match="found none"):
        make(own_tree, skip_missing=True)


def test_unused_views_are_not_required(own_tree):
    remove_image(own_tree)
    assert len(make(own_tree, num_views=3)) == 4


@pytest.mark.parametrize(
    "options",
    [
        dict(num_views=7),
        dict(num_views=7, view_selection="random"),
        dict(view_selection="fixed", view_ids=[6]),
    ],
)
def test_fewer_views_than_asked_for(tree, options):
    with pytest.raises(DataError, match="expected at least 7 views, found 6"):
        make(tree, **options)


def test_views_of_different_size(own_tree):
    import cv2

    path = own_tree / "ShapeNetRendering/03001627/c2/rendering/01.png"
    cv2.imwrite(str(path), np.zeros((32, 32, 4), np.uint8))
    with pytest.raises(DataError, match="views of one size"):
        make(own_tree, num_views=2)[0]


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(split="training"), "split must be"),
        (dict(view_selection="all"), "view_selection must be"),
        (dict(view_selection="fixed"), "view_ids belong"),
        (dict(view_ids=[0]), "view_ids belong"),
        (dict(num_views=0), "num_views must be"),
        (dict(num_views=2, view_selection="fixed", view_ids=[0]), "num_views must be"),
        (dict(check_files="yes"), "check_files must be"),
        (dict(max_samples=0), "max_samples must be"),
    ],
)
def test_impossible_options(tree, options, message):
    with pytest.raises(ConfigError, match=message):
        make(tree, **options)


def test_unknown_category_is_answered_with_near_names(tree):
    with pytest.raises(DataError, match="did you mean chair"):
        make(tree, categories=["chiar"])


def test_data_root(tree, monkeypatch):
    monkeypatch.delenv("SVR3D_DATA", raising=False)
    with pytest.raises(DataError, match="variable SVR3D_DATA, found neither"):
        ShapeNetR2N2()
    monkeypatch.setenv("SVR3D_DATA", str(tree))
    assert len(ShapeNetR2N2()) == 4
    with pytest.raises(DataError, match="data_root: expected a folder"):
        make(tree / "absent")
    with pytest.raises(DataError, match="ShapeNet13.json: cannot be read"):
        make(tree, split_file="ShapeNet13.json")
