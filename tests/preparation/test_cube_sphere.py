# SPDX-License-Identifier: Apache-2.0
"""The set between cube and sphere: shapes, lists, files, and reading them."""

import json
import math

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from torch.utils.data import default_collate

from svr3d.cli.make_cube_sphere import main
from svr3d.datasets import CubeSphere
from svr3d.datasets.transforms import PackViews
from svr3d.engine.config import load_config
from svr3d.errors import ConfigError, DataError
from svr3d.io.meshes import load_mesh
from svr3d.preparation.cube_sphere.generate import CubeSphereSettings
from svr3d.preparation.cube_sphere.lists import clusters, lists_of, split_instances
from svr3d.preparation.cube_sphere.pictures import CAMERAS, render_pictures
from svr3d.preparation.cube_sphere.shape import interpolated_mesh
from svr3d.registry import DATASETS

ARGUMENTS = ["--count", "60", "--num-points", "300", "--image-size", "32"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("cubesphere")
    assert main([str(out), *ARGUMENTS, "--workers", "0", "--no-all-views"]) == 0
    return out


@pytest.mark.parametrize("value", [0.0, 0.3, 0.8, 1.0])
def test_shape_is_a_rounded_box(value):
    mesh = interpolated_mesh(value)
    assert (len(mesh.vertices), len(mesh.faces)) == (1986, 3968)
    corners = mesh.vertices[mesh.faces].astype(float)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2
    area = np.linalg.norm(normals, axis=1).sum()
    volume = (corners.mean(axis=1) * normals).sum() / 3
    a, b = value * 0.5, (1 - value) * 0.86
    expected = 24 * a**2 + 12 * math.pi * a * b + 4 * math.pi * b**2
    assert area == pytest.approx(expected, rel=5e-3)
    expected = 8 * a**3 + 24 * a**2 * b + 6 * math.pi * a * b**2
    assert volume == pytest.approx(expected + 4 / 3 * math.pi * b**3, rel=1e-2)
    # No vertex is outside of the box, and none nearer to the inner cube than b.
    outside = np.maximum(np.abs(mesh.vertices) - a, 0)
    np.testing.assert_allclose(np.linalg.norm(outside, axis=1), b, atol=1e-6)


def test_pictures_show_three_sides():
    image = render_pictures(
        interpolated_mesh(1.0), tuple(CAMERAS), size=64, background=40
    )[-1]
    assert (image == image[..., :1]).all()
    levels, counts = np.unique(image, return_counts=True)
    large = levels[counts > 150]
    assert len(large) == 4 and large[0] == 40  # background and three sides
    assert image[24, 32, 0] == large[-1]  # the upper one is the lightest
    assert image[40, 24, 0] > image[40, 40, 0]  # the sun is on the left


def test_lists_are_disjoint_and_as_many():
    splits = split_instances(1000)
    assert {name: len(rows) for name, rows in splits.items()} == {
        "train": 700, "val": 100, "test": 200
    }  # fmt: skip
    assert len(set(sum(splits.values(), []))) == 1000
    assert len(lists_of(1000, "x")) == 19
    for spread in (1, 15, 35):
        chosen = clusters(splits["train"], spread, count=1000)
        assert set(chosen) <= set(splits["train"])
        places = np.searchsorted(splits["train"], chosen).reshape(2, 10)
        assert (np.diff(places) == spread).all() and (np.diff(chosen) > 0).all()


@pytest.mark.parametrize("count", [30, 100, 999])
def test_smaller_sets_have_all_lists(count):
    train = split_instances(count)["train"]
    for spread in (1, 35):
        chosen = clusters(train, spread, count=count)
        assert len(set(chosen)) == 20 and (np.diff(chosen) > 0).all()


def test_series_vary_images_or_shapes():
    lists = lists_of(1000, "x")

    def column(series, spread, key):
        name = f"cluster_{series}_aug_2by10_cltsize{spread:02d}.json"
        return [entry[key] for entry in lists[name]]

    assert column("image", 1, "ptcloud_path") == column("image", 35, "ptcloud_path")
    assert column("image", 1, "isometric_path") != column("image", 35, "isometric_path")
    assert column("shape", 1, "isometric_path") == column("image", 35, "isometric_path")
    for key in ("ptcloud_path", "isometric_path", "shapekey_value"):
        assert column("shape", 1, key) == column("image", 35, key)
    values = column("shape", 35, "shapekey_value")
    assert values == sorted(values) and values[-1] - values[0] > 0.9


def test_files_and_their_content(made):
    folder = made / "CubeSphere_interp_60/instance_030"
    assert sorted(path.name for path in folder.iterdir()) == [
        "Isometric.png", "model.obj", "pt_30000.npy", "renderinfo.json"
    ]  # fmt: skip
    points = np.load(folder / "pt_30000.npy")
    assert points.dtype == np.float64 and points.shape == (300, 3)
    mesh = load_mesh(folder / "model.obj")
    np.testing.assert_allclose(mesh.vertices.max(0), 0.68, atol=1e-6)
    outside = np.linalg.norm(np.maximum(np.abs(points) - 0.25, 0), axis=1)
    assert 0.425 < outside.min() and outside.max() < 0.4301
    info = json.loads((made / "CubeSphere_interp_60.json").read_text())
    assert info[30]["shapekey_value"] == 0.5 and len(info) == 60


def test_a_stopped_run_continues(made, capsys):
    folder = made / "CubeSphere_interp_60"
    (folder / "instance_003/model.obj").unlink()
    (folder / "instance_003").rename(folder / ".instance_003.new")
    before = (folder / "instance_004/pt_30000.npy").stat().st_mtime_ns
    arguments = [str(made), *ARGUMENTS, "--no-all-views"]
    assert main([*arguments, "--workers", "0"]) == 0
    assert "1 shapes made, 59 kept" in capsys.readouterr().out
    assert (folder / "instance_003/model.obj").exists()
    assert (folder / "instance_004/pt_30000.npy").stat().st_mtime_ns == before
    with pytest.raises(ConfigError, match="seed: 0 before, 1 now"):
        main([*arguments, "--seed", "1"])
    with pytest.raises(ConfigError, match="count: expected 30 to"):
        CubeSphereSettings(count=20)


@pytest.mark.parametrize("part, number", [("train", 20), ("val", 6), ("test", 12)])
def test_base_config_reads_it(repository, made, part, number):
    init_default_scope("svr3d")
    path = repository / "configs/_base_/datasets/cube_sphere.py"
    cfg = load_config(path, {"data_root": str(made)}, verbose=False)
    options = cfg[f"{part}_dataloader"]["dataset"]
    options["list_file"] = options["list_file"].replace("1000", "60")
    options["points"]["num_points"] = 100
    dataset = DATASETS.build(options)
    batch = default_collate(list(dataset))
    assert batch["images"].shape == (number, 1, 3, 32, 32)
    assert batch["surface_points"].shape == (number, 100, 3)
    assert (batch["shape_parameter"].diff() > 0).all()
    assert batch["surface_points"].norm(dim=-1).amax() <= 1 + 1e-6


def test_image_and_cloud_of_different_instances(made):
    options = {"points": {"num_points": None}, "pipeline": [PackViews()]}
    name = "cluster_image_aug_2by10_cltsize35.json"
    dataset = CubeSphere(str(made), list_file=name, **options)
    whole = CubeSphere(str(made), list_file="train_interp_60.json", **options)
    name = dataset.sample_ids[-1].split("/")[1]
    image, shape = (f"cube_sphere/instance_{n}" for n in name.split("instance_")[1:])
    sample, seen = dataset[19], whole.get_sample(image.rstrip("-"))
    assert (sample["images"] == seen["images"]).all()
    target = whole.get_sample(shape)
    assert (sample["surface_points"] == target["surface_points"]).all()
    assert sample["shape_parameter"] == target["shape_parameter"]


def test_wrong_input(made, tmp_path):
    with pytest.raises(DataError, match=r"train_interp_1000\.json: cannot be read"):
        CubeSphere(str(made))
    for content, message in (
        ("[]", "expected a list of entries"),
        ('[{"isometric_path": "a/b.png"}]', "entry 0: expected a key 'ptcloud_path'"),
    ):
        (tmp_path / "list.json").write_text(content)
        with pytest.raises(DataError, match=message):
            CubeSphere(str(tmp_path), list_file="list.json")
    with pytest.raises(DataError, match="pt_30000.npy: missing"):
        entry = {"isometric_path": "a/b.png", "ptcloud_path": "a/c.npy"}
        content = json.dumps([entry | {"shapekey_value": 0.5}])
        (tmp_path / "list.json").write_text(content)
        CubeSphere(str(tmp_path), list_file="list.json")
    with pytest.raises(ConfigError, match="channel_order"):
        CubeSphere(str(made), channel_order="gbr")
    with pytest.raises(ConfigError, match="normalization: expected one of UnitBall"):
        CubeSphere(str(made), points={"normalization": "Ball"})
    dataset = CubeSphere(str(made), list_file="val_interp_60.json")
    with pytest.raises(DataError, match="at least 2500 points, found 300"):
        dataset[0]
    with pytest.raises(DataError, match="expected a grid"):
        dataset.read_voxels(0)
