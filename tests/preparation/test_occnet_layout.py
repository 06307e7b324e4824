# SPDX-License-Identifier: Apache-2.0
"""A folder of meshes becomes an occupancy data set, and comes back from it."""

import dataclasses
import json

import numpy as np
import pytest
import torch
import trimesh
from torch.utils.data import default_collate

from svr3d.cli.build_dataset import main
from svr3d.datasets import OccNetDataset
from svr3d.datasets.transforms import PackViews
from svr3d.errors import ConfigError
from svr3d.geometry.cameras import project
from svr3d.io.binvox import read_binvox
from svr3d.io.cameras import read_cameras
from svr3d.preparation.builder import build_dataset
from svr3d.preparation.object_data import prepare_object
from svr3d.preparation.occnet_objects import listed_objects, open_tree
from svr3d.preparation.settings import BuildSettings

POINTS = {"iou_points": True, "num_surface_points": "all"}


@pytest.fixture(scope="module")
def meshes(tmp_path_factory):
    """Plates with a post at a corner: no symmetry, off centre, in odd units."""
    folder = tmp_path_factory.mktemp("meshes")
    for category in ("post", "step"):
        (folder / category).mkdir()
        for index in range(3):
            height = 4 + index
            parts = [
                trimesh.creation.box(bounds=[[-2, 1, 0.5], [4, 1.6, 1.5]]),
                trimesh.creation.box(bounds=[[3, 1.6, 0.5], [4, height, 1.1]]),
            ]
            mesh = trimesh.util.concatenate(parts)
            mesh.export(folder / category / f"{category}{index}.obj")
    return folder


@pytest.fixture(scope="module")
def settings():
    return BuildSettings(
        layout="occnet",
        views=3,
        resolution=64,
        supersample=2,
        num_points=2000,
        num_surface_points=1000,
        split=(0.4, 0.3, 0.3),
    )


@pytest.fixture(scope="module")
def built(meshes, settings, tmp_path_factory):
    out = tmp_path_factory.mktemp("built")
    report = build_dataset(meshes, out, settings=settings)
    assert (report.built, report.failures) == (6, {})
    return out


def test_files(built):
    folder = built / "post/post1"
    images = [f"img_choy2016/{view:03d}.jpg" for view in range(3)]
    found = sorted(str(p.relative_to(folder)) for p in folder.rglob("*.*"))
    assert found == sorted(
        [*images, "img_choy2016/cameras.npz", "model.binvox", "pointcloud.npz",
         "points.npz"]
    )  # fmt: skip
    arrays = np.load(folder / "points.npz")
    assert {k: (v.dtype.name, v.shape) for k, v in arrays.items()} == {
        "points": ("float16", (2000, 3)),
        "occupancies": ("uint8", (250,)),
        "loc": ("float64", (3,)),
        "scale": ("float64", ()),
    }
    np.testing.assert_allclose(arrays["loc"], [1, 3, 1])
    assert arrays["scale"] == 6
    names = json.loads((built / "metadata.yaml").read_text())
    assert names["post"] == {"id": "post", "name": "post"}
    lists = [(built / f"post/{s}.lst").read_text() for s in ("train", "val", "test")]
    assert sorted(lists) == ["post0", "post1", "post2"]  # without a last newline
    assert len(listed_objects(open_tree(built))) == 6


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_what_is_read_fits_together(built, split):
    options = {"num_views": 3, "cameras": True, "points": POINTS}
    dataset = OccNetDataset(str(built), [PackViews()], split=split, **options)
    batch = default_collate(list(dataset))
    assert batch["images"].shape == (2, 3, 3, 64, 64)
    for index in range(2):
        sample = dataset[index]
        inside = sample["points_iou"][sample["occupancies_iou"] > 0]
        assert len(inside) > 20
        cells = ((inside + 0.5) * 32).floor().long().unbind(1)
        assert (sample["voxels"][cells] == 1).all()
        # Cameras see the points where the images are not white.
        for points in (inside, sample["surface_points"]):
            pixels, depth = project(points, sample["extrinsics"], sample["intrinsics"])
            assert (depth > 0).all()
            column, row = pixels.floor().long().unbind(-1)
            views = torch.arange(3)[:, None]
            shown = sample["images"].amin(1)[views, row, column] < 0.95
            assert shown.float().mean() > 0.97


def test_frames_are_those_of_the_mesh_file(built, meshes, settings):
    folder = built / "step/step0"
    data = prepare_object(meshes / "step/step0.obj", "step/step0", settings=settings)
    extrinsics, intrinsics = read_cameras(folder / "img_choy2016/cameras.npz")
    corner = np.array([[-2.0, 1.0, 0.5], [4.0, 1.6, 1.5]])
    in_file = project(*map(torch.from_numpy, (corner, extrinsics, intrinsics)))
    placed = (corner - data.points.loc) / data.points.scale
    in_object = project(
        *map(torch.from_numpy, (placed, data.extrinsics, data.intrinsics))
    )
    torch.testing.assert_close(in_file[0], in_object[0], rtol=0, atol=1e-4)
    torch.testing.assert_close(in_file[1], in_object[1] * data.points.scale)
    grid = read_binvox(folder / "model.binvox")
    np.testing.assert_allclose(grid.translate, data.points.loc - data.points.scale / 2)
    assert grid.scale == data.points.scale
    sample = OccNetDataset(str(built), split="val", num_views=3, cameras=True)
    for index, sample_id in enumerate(sample.sample_ids):
        found = sample[index]["extrinsics"]
        rotations = found[:, :, :3]
        identity = torch.eye(3, dtype=rotations.dtype).expand(3, 3, 3)
        torch.testing.assert_close(rotations @ rotations.mT, identity)
        assert sample_id.split("/")[0] in ("post", "step")


def test_lists_follow_the_objects(meshes, settings, tmp_path):
    out = tmp_path / "out"
    few = dataclasses.replace(settings, views=1, num_points=64, num_surface_points=64)
    source = tmp_path / "meshes"
    for category in ("post", "step"):
        (source / category).mkdir(parents=True)
        path = meshes / category / f"{category}0.obj"
        (source / category / "a.obj").write_bytes(path.read_bytes())
    more = dataclasses.replace(few, variants=1, split=(1, 0, 0))
    build_dataset(source, out, settings=more)
    dataset = OccNetDataset(str(out), split_file="train_variants.lst")
    assert dataset.sample_ids == [
        "post/a", "post/a-variant1", "step/a", "step/a-variant1"
    ]  # fmt: skip
    (source / "step/a.obj").unlink()
    (source / "step").rmdir()
    build_dataset(source, out, settings=dataclasses.replace(more, variants=0))
    assert OccNetDataset(str(out)).sample_ids == ["post/a"]
    assert not list(out.glob("*/*_variants.lst"))
    assert not (out / "step/train.lst").exists()


def test_storage_and_sampling_options(meshes, settings, tmp_path):
    source = tmp_path / "meshes/post"
    source.mkdir(parents=True)
    (source / "a.obj").write_bytes((meshes / "post/post0.obj").read_bytes())
    arguments = [
        str(source.parent), str(tmp_path / "out"), "--layout", "occnet",
        "--views", "1", "--resolution", "32", "--num-points", "1000",
        "--num-surface-points", "100", "--no-float16", "--no-packbits",
        "--padding", "0.2", "--uniform-ratio", "0.5", "--sigma", "0.02",
        "--split", "1", "0", "0", "--workers", "0",
    ]  # fmt: skip
    assert main(arguments) == 0
    arrays = np.load(tmp_path / "out/post/a/points.npz")
    assert arrays["points"].dtype == np.float32
    assert arrays["occupancies"].dtype == bool and len(arrays["occupancies"]) == 1000
    surface = np.load(tmp_path / "out/post/a/pointcloud.npz")
    assert surface["points"].dtype == surface["normals"].dtype == np.float32
    uniform, near = arrays["points"][:500], arrays["points"][500:]
    assert 0.55 < np.abs(uniform).max() <= 0.6
    box = np.abs(near) - np.array([0.5, 0.25, 1 / 12])
    assert box.max() < 6 * 0.02 and (box.max(axis=1) > 0).mean() > 0.3
    sample = OccNetDataset(str(tmp_path / "out"), points={"iou_points": True})[0]
    np.testing.assert_array_equal(sample["points_iou"], arrays["points"])
    np.testing.assert_array_equal(sample["occupancies_iou"], arrays["occupancies"])


@pytest.mark.parametrize(
    "change",
    [
        {"watertight": "sometimes"}, {"uniform_ratio": 1.5}, {"sigma": -1.0},
        {"padding": -0.1}, {"watertight_resolution": 8}, {"layout": "occ"},
    ],
)  # fmt: skip
def test_settings_out_of_range(change):
    (name,) = change
    with pytest.raises(ConfigError, match=f"{name}: expected"):
        BuildSettings(**change)


def test_settings_of_an_earlier_version_had_the_defaults(meshes, settings, tmp_path):
    few = dataclasses.replace(settings, views=1, num_points=64, num_surface_points=64)
    build_dataset(meshes, tmp_path, settings=few)
    path = tmp_path / ".build/settings.json"
    content = json.loads(path.read_text())
    for name in ("uniform_ratio", "sigma", "float16", "packbits", "watertight"):
        del content[name]
    path.write_text(json.dumps(content))
    assert build_dataset(meshes, tmp_path, settings=few).kept == 6
    other = dataclasses.replace(few, float16=False)
    with pytest.raises(ConfigError, match="float16: True before, False now"):
        build_dataset(meshes, tmp_path, settings=other)
