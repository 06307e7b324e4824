# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from svr3d.datasets import OccNetDataset, PointSampling, SeededIndex
from svr3d.datasets.transforms import PackViews, RandomMirror, Resize
from svr3d.errors import ConfigError, DataError

PACKED = (Resize(32), PackViews())
ALL = {"iou_points": True, "num_surface_points": "all"}


def make(root, pipeline=PACKED, **options):
    return OccNetDataset(str(root), pipeline, **options)


def test_keys_and_shapes(occnet_tree):
    points = {"num_points": 64, "num_input_points": 30, **ALL}
    dataset = make(occnet_tree, num_views=2, cameras=True, points=points)
    batch = default_collate([dataset[0], dataset[1]])
    shapes = {key: tuple(value.shape[1:]) for key, value in batch.items()
              if isinstance(value, torch.Tensor)}  # fmt: skip
    assert shapes == {
        "images": (2, 3, 32, 32),
        "view_ids": (2,),
        "voxels": (16, 16, 16),
        "intrinsics": (2, 3, 3),
        "extrinsics": (2, 3, 4),
        "points": (64, 3),
        "occupancies": (64,),
        "points_iou": (3000, 3),
        "occupancies_iou": (3000,),
        "input_points": (30, 3),
        "surface_points": (500, 3),
        "surface_normals": (500, 3),
        "category": (),
    }
    assert batch["sample_id"] == ["02691156/a0", "03001627/c2"]
    assert dataset.metainfo["categories"] == ["aeroplane", "chair"]
    for name in ("points", "points_iou"):
        inside = batch[name][..., 0] > 0.3
        labels = batch[name.replace("points", "occupancies")]
        assert torch.equal(labels, inside.float())


def test_balanced_points(occnet_tree):
    sample = make(occnet_tree, points={"num_points": (20, 12)})[0]
    assert sample["occupancies"].tolist() == [0] * 20 + [1] * 12


def test_noise_is_seeded_and_only_on_rounded_points(own_occnet_tree):
    points = {"num_points": 2000, "noise": 1e-4}
    noisy = make(own_occnet_tree, points=points)
    plain = make(own_occnet_tree, points={"num_points": 2000})
    one = noisy[SeededIndex(0, 7)]["points"]
    assert torch.equal(one, noisy[SeededIndex(0, 7)]["points"])
    assert not torch.equal(one, noisy[SeededIndex(0, 8)]["points"])
    difference = one - plain[SeededIndex(0, 7)]["points"]
    assert 0.8e-4 < difference.std() < 1.2e-4
    path = own_occnet_tree / "02691156/a0/points.npz"
    arrays = dict(np.load(path))
    np.savez(path, **arrays | {"points": arrays["points"].astype(np.float32)})
    same = plain[SeededIndex(0, 7)]["points"]
    assert torch.equal(noisy[SeededIndex(0, 7)]["points"], same)


def test_views(occnet_tree):
    fixed = make(occnet_tree, view_selection="fixed", view_ids=[2])
    assert fixed[0]["view_ids"].tolist() == [2]
    random = make(occnet_tree, view_selection="random")
    seen = {int(random[SeededIndex(0, seed)]["view_ids"]) for seed in range(20)}
    assert seen == {0, 1, 2}
    assert "images" not in make(occnet_tree, [PackViews()], num_views=0)[0]
    with pytest.raises(DataError, match="img_choy2016: expected at least 4 views"):
        make(occnet_tree, num_views=4)


def test_blank_lines_are_no_models(own_occnet_tree):
    path = own_occnet_tree / "03001627/train.lst"
    path.write_text("\n" + path.read_text() + "\r\n\n")
    dataset = make(own_occnet_tree, categories=["chair"])
    assert [key.split("/")[1] for key in dataset.sample_ids] == ["c2", "c0", "c1"]


def test_categories(own_occnet_tree):
    assert make(own_occnet_tree, categories=["chair", "02691156"]).metainfo[
        "taxonomy_ids"
    ] == ["03001627", "02691156"]
    with pytest.raises(DataError, match="did you mean chair"):
        make(own_occnet_tree, categories=["chairs"])
    (own_occnet_tree / "metadata.yaml").unlink()
    (own_occnet_tree / ".build").mkdir()
    names = make(own_occnet_tree).metainfo["categories"]
    assert names == ["02691156", "03001627"]


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("03001627/train.lst", None, r"03001627/train.lst: cannot be read"),
        ("03001627/train.lst", "a\na", r"train.lst: .*found 'a' twice"),
        ("metadata.yaml", "[1]", r"metadata.yaml: expected a mapping"),
        ("metadata.yaml", "03001627: {name: x}\n0: 3", r"yaml: expected a text 'name'"),
        ("metadata.yaml", "{", r"metadata.yaml: expected YAML"),
        ("03001627/c0/points.npz", None, r"c0/points.npz: missing"),
        ("03001627/c0/points.npz", "PK", r"c0/points.npz: truncated"),
        ("03001627/c0/pointcloud.npz", None, r"c0/pointcloud.npz: missing"),
        ("03001627/c0/model.binvox", "x", r"c0/model.binvox: expected"),
        ("03001627/c0/img_choy2016/000.jpg", "", r"c0/img_choy2016/000.jpg: empty"),
        ("03001627/c0/img_choy2016/cameras.npz", "x", r"cameras.npz: expected an npz"),
    ],
)
def test_errors_name_the_file(own_occnet_tree, name, content, message):
    path = own_occnet_tree / name
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(DataError, match=message):
        make(own_occnet_tree, cameras=True, points=ALL)


def test_skipping(own_occnet_tree):
    (own_occnet_tree / "03001627/c0/points.npz").unlink()
    dataset = make(own_occnet_tree, points={"num_points": 5}, skip_missing=True)
    assert list(dataset.skipped) == ["03001627/c0"]
    assert len(dataset) == 3 == len(list(dataset))


def test_nothing_inside(own_occnet_tree):
    path = own_occnet_tree / "02691156/a0/points.npz"
    arrays = dict(np.load(path))
    np.savez(path, **arrays | {"occupancies": np.zeros(3000, bool)})
    dataset = make(own_occnet_tree, points={"num_points": (5, 5)})
    with pytest.raises(DataError, match="a0/points.npz: inside: expected points"):
        dataset[0]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"split": "all"}, "split must be"),
        ({"num_views": 0, "cameras": True}, "needs views"),
        ({"points": {"num_points": (1, 2, 3)}}, "a pair"),
        ({"points": {"num_points": -1}}, "num_points must be"),
        ({"points": {"num_surface_points": "some"}}, "or 'all'"),
        ({"points": {"noise": -1.0}}, "noise must not be negative"),
    ],
)
def test_wrong_options(occnet_tree, options, message):
    with pytest.raises(ConfigError, match=message):
        make(occnet_tree, **options)


def test_mirror_takes_all_points_along(occnet_tree):
    sampling = PointSampling(num_points=50, num_input_points=50, folder=".", **ALL)
    keys = ("points", "points_iou", "surface_points", "input_points")
    samples = [
        make(occnet_tree, pipeline, points=sampling)[SeededIndex(0, seed)]
        for pipeline in (PACKED, (RandomMirror(), *PACKED))
        for seed in range(4)
    ]
    mirrored = 0
    for plain, other in zip(samples[:4], samples[4:], strict=True):
        flipped = not torch.equal(plain["voxels"], other["voxels"])
        mirrored += flipped
        sign = torch.tensor([-1.0 if flipped else 1.0, 1, 1])
        for key in keys:
            torch.testing.assert_close(plain[key] * sign, other[key])
    assert 0 < mirrored < 4


def test_grids_on_request(occnet_tree):
    dataset = make(occnet_tree, voxels_file=None)
    assert "voxels" not in dataset[0]
    with pytest.raises(ConfigError, match="needs voxels_file"):
        dataset.read_voxels(0)
    assert make(occnet_tree).read_voxels(0).shape == (16, 16, 16)
    assert dataset.count_views(0) == 3


def test_positions_on_request(occnet_tree):
    dataset = make(occnet_tree, [PackViews(with_index=True)], num_views=0)
    assert [sample["index"] for sample in dataset] == [0, 1, 2, 3]
    assert "index" not in make(occnet_tree)[0]
