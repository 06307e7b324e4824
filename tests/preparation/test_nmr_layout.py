# SPDX-License-Identifier: Apache-2.0
"""A folder of meshes becomes the neural renderer's layout, and fits that renderer."""

import shutil

import numpy as np
import pytest
import torch
import trimesh
from mmengine.registry import init_default_scope
from small_builds import tree
from torch.utils.data import default_collate

from svr3d.cli.build_dataset import main
from svr3d.datasets import ShapeNetNMR
from svr3d.datasets.transforms import PackViews
from svr3d.engine.config import load_config
from svr3d.errors import ConfigError, DataError
from svr3d.io.meshes import load_mesh
from svr3d.io.npz_rows import read_rows, read_shape, write_rows
from svr3d.ops import neural_rasterize, point_mesh_distance, voxelize_meshes
from svr3d.preparation.object_frame import normalize_mesh
from svr3d.registry import DATASETS
from svr3d.renderers.neural_cameras import look_at, perspective, points_from_angles

PIPELINE = [PackViews(mask_channel=False)]
ARGUMENTS = ["--layout", "nmr", "--variants", "1", "--workers", "0"]
RED, BLUE = [220, 30, 20, 255], [10, 40, 230, 255]


def stepped(index):
    """A red plate with a blue post at a corner: no symmetry, off centre, odd units."""
    plate = trimesh.creation.box(bounds=[[-2, 1, 0.5], [4, 1.6, 2.5]])
    post = trimesh.creation.box(bounds=[[3, 1.6, 0.5], [4, 4 + index, 1.1]])
    plate.visual.face_colors, post.visual.face_colors = RED, BLUE
    return trimesh.util.concatenate([plate, post])


@pytest.fixture(scope="module")
def meshes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("meshes")
    for category, count in (("post", 5), ("step", 3)):
        (folder / category).mkdir()
        for index in range(count):
            stepped(index).export(folder / category / f"{category}_{index}.ply")
    return folder


@pytest.fixture(scope="module")
def built(meshes, tmp_path_factory):
    out = tmp_path_factory.mktemp("built")
    assert main([str(meshes), str(out), *ARGUMENTS]) == 0
    return out


@pytest.fixture
def own(built, tmp_path):
    return shutil.copytree(built, tmp_path / "data")


def true_mesh(meshes, category, model):
    """The mesh in the object frame, as the true answer of a network."""
    placed = normalize_mesh(load_mesh(meshes / category / f"{model}.ply")).mesh
    return (
        torch.from_numpy(placed.vertices).float(),
        torch.from_numpy(placed.faces).long(),
    )


def silhouettes(vertices, faces, angles):
    """Published rendering of one mesh from V published views; its world has -z.

    Drawn at four times the side, since so large a mesh has long edges in few pixels.
    """
    azimuth, elevation, distance = angles.unbind(1)
    eye = points_from_angles(distance, elevation, azimuth)
    world = (vertices * torch.tensor([1.0, 1.0, -1.0])).expand(len(angles), -1, -1)
    seen = perspective(look_at(world, eye), 15.0)
    alpha = neural_rasterize(seen, faces, image_size=256).alpha
    return torch.nn.functional.avg_pool2d(alpha, 4)


def test_files(built):
    """What the published programs read: two arrays of a category and split."""
    names = [path.name for path in sorted(built.glob("*_images.npz"))]
    stems = ("test", "train", "train_variants", "val")
    assert names == [f"{c}_{s}_images.npz" for c in ("post", "step") for s in stems]
    images = np.load(built / "post_train_images.npz")["arr_0"]
    voxels = np.load(built / "post_train_voxels.npz")["arr_0"]
    assert images.dtype == np.uint8 and images.shape[1:] == (24, 4, 64, 64)
    assert voxels.dtype == bool and voxels.shape[1:] == (32, 32, 32)
    models = (built / "post_train_models.lst").read_text().split()
    assert len(models) == len(images) == len(voxels)
    copies = (built / "post_train_variants_models.lst").read_text().split()
    assert sorted([*models, *(f"{m}-variant1" for m in models)]) == copies
    more = np.load(built / "post_train_variants_images.npz")["arr_0"]
    np.testing.assert_array_equal(more[copies.index(models[0])], images[0])
    # Inverted colours on black: red is cyan.
    colors, alpha = images[:, :, :3], images[:, :, 3:]
    assert (colors * (alpha == 0)).max() == 0
    mean = (colors * (alpha == 255)).sum((0, 1, 3, 4)) / (alpha == 255).sum()
    assert mean[0] < mean[1] and mean[0] < mean[2]


@pytest.mark.parametrize("category", ["post", "step"])
def test_true_meshes_fit_masks_and_voxels(meshes, built, category):
    dataset = ShapeNetNMR(str(built), PIPELINE, categories=[category], split="train")
    for row in range(len(dataset) // 24):
        batch = default_collate([dataset[24 * row + view] for view in range(0, 24, 5)])
        model = batch["sample_id"][0].split("/")[1].removesuffix("_00")
        vertices, faces = true_mesh(meshes, category, model)
        angles, masks = batch["view_angles"][:, 0], batch["masks"][:, 0]
        drawn = silhouettes(vertices, faces, angles)
        # Edges are smooth in both: shared over joint coverage of the pixels.
        shared, joint = torch.minimum(drawn, masks), torch.maximum(drawn, masks)
        assert (shared.sum((1, 2)) / joint.sum((1, 2))).min() > 0.97
        wrong = silhouettes(vertices, faces, angles * torch.tensor([-1.0, 1.0, 1.0]))
        assert ((wrong - masks).abs().sum((1, 2)) > 50)[1:].all()  # no mirror image
        grid = voxelize_meshes(vertices * (31 / 32), faces, 32, mode="visibility")
        truth = batch["voxels"][0]
        assert (grid & truth).sum() / (grid | truth).sum() > 0.9


def test_open_meshes_are_filled(tmp_path):
    """A mesh without a floor is as full as one with, but for the floor itself."""
    box = trimesh.creation.box(extents=[2, 3, 4])
    (tmp_path / "meshes/box").mkdir(parents=True)
    box.export(tmp_path / "meshes/box/closed.ply")
    floor = (box.triangles[:, :, 1] < 0).all(1)
    trimesh.Trimesh(box.vertices, box.faces[~floor]).export(
        tmp_path / "meshes/box/open.ply"
    )
    options = ["--views", "4", "--supersample", "1", "--resolution", "16"]
    command = [str(tmp_path / "meshes"), str(tmp_path / "out"), *ARGUMENTS, *options]
    assert main([*command, "--split", "1", "0", "0", "--variants", "0"]) == 0
    dataset = ShapeNetNMR(str(tmp_path / "out"))
    assert dataset.num_view_classes == 4 and len(dataset) == 8
    assert dataset[1]["images"].shape == (1, 16, 16, 3)
    assert dataset[1]["view_angles"][0, 0] == -90
    closed, hollow = dataset.read_voxels(0), dataset.read_voxels(4)
    assert closed.sum() > 0.99 * 16 * 24 * 32 > 0.9 * closed.sum()
    assert (closed != hollow).sum() < 0.05 * closed.sum()


def test_one_view_of_each_object(built):
    every = ShapeNetNMR(str(built), PIPELINE)
    one = ShapeNetNMR(str(built), PIPELINE, views_per_object=1)
    assert len(every) == 24 * len(one)
    assert len(set(one.sample_ids)) == len(one) and len(set(every.sample_ids)) == (
        len(every)
    )
    for position, sample in enumerate(one):
        view = int(sample["view_classes"])
        twin = every[24 * position + view]
        assert twin["sample_id"] == f"{sample['sample_id']}_{view:02d}"
        for key in ("images", "masks", "view_angles", "view_ids", "voxels"):
            assert torch.equal(sample[key], twin[key]), key
    # The same views with other categories, copies and in another process; other ones
    # with another seed.
    alone = ShapeNetNMR(str(built), views_per_object=1, categories=["step"])
    copies = ShapeNetNMR(str(built), views_per_object=1, list_suffix="_variants")
    views = {s["sample_id"]: s["view_ids"].item() for s in one}
    assert all(views[s["sample_id"]] == s["view_ids"].item() for s in alone)
    found = {s["sample_id"]: s["view_ids"].item() for s in copies}
    assert {name: found[name] for name in views} == views
    assert len(found) == 2 * len(views) and len(set(found.values())) > 3
    seeded = ShapeNetNMR(str(built), views_per_object=1, view_seed=1)
    assert [s["view_ids"].item() for s in seeded] != list(views.values())
    first = ShapeNetNMR(str(built), views_per_object=2, view_choice="first")
    assert [s["view_ids"].item() for s in first] == [0, 1] * len(one)


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_base_config(repository, built, part):
    init_default_scope("svr3d")
    path = repository / "configs/_base_/datasets/shapenet_nmr.py"
    options = {"data_root": str(built), "categories": ["post"]}
    cfg = load_config(path, options, verbose=False)
    dataset = DATASETS.build(cfg[f"{part}_dataloader"]["dataset"])
    batch = default_collate([dataset[0], dataset[1]])
    assert batch["images"].shape == (2, 1, 3, 64, 64)
    assert batch["masks"].shape == (2, 1, 64, 64)
    assert batch["view_angles"].shape == (2, 1, 3)
    assert batch["view_classes"].tolist() == [[0], [1]]
    assert ("voxels" in batch) == (part != "train")
    assert dataset.num_view_classes == 24


def test_a_second_run_keeps_what_is_there(meshes, built, own, capsys):
    before = tree(own)
    for path in own.glob("*_images.npz"):
        path.unlink()
    (own / "objects/post/post_0.npz").unlink()
    assert main([str(meshes), str(own), *ARGUMENTS]) == 0
    assert "1 objects built" in capsys.readouterr().out
    after = {path.relative_to(own) for path in own.glob("*_images.npz")}
    assert len(after) == 8 and set(tree(own)) == set(before)
    for path in after:
        new, old = (np.load(folder / path)["arr_0"] for folder in (own, built))
        np.testing.assert_array_equal(new, old)


def test_broken_files(own):
    with pytest.raises(DataError, match="expected <category>_train_none_images.npz"):
        ShapeNetNMR(str(own), list_suffix="_none")
    (own / "ShapeNetPoints/post/post_0/pointcloud.npz").unlink()
    with pytest.raises(DataError, match="post_0/pointcloud.npz: missing"):
        for part in ("train", "val", "test"):
            points = {"num_surface_points": 5}
            ShapeNetNMR(str(own), split=part, points=points)
    (own / "post_val_voxels.npz").unlink()
    with pytest.raises(DataError, match="post_val_voxels.npz: expected an .npz file"):
        ShapeNetNMR(str(own), split="val")
    assert len(ShapeNetNMR(str(own), split="val", voxels=False))
    path = own / "post_train_images.npz"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataError, match="post_train_images.npz: expected an .npz file"):
        ShapeNetNMR(str(own))
    np.savez_compressed(path, np.zeros((2, 24, 3, 8, 8), np.uint8))
    with pytest.raises(DataError, match=r"expected uint8 \(N, V, 4, H, W\), found"):
        ShapeNetNMR(str(own))
    (own / "step_test_models.lst").write_text("a\nb\nc")
    with pytest.raises(DataError, match="step_test_models.lst: expected 1 names"):
        ShapeNetNMR(str(own), split="test", categories=["step"])
    for options, message in (
        ({"split": "all"}, "split must be one of"),
        ({"views_per_object": 0}, "views_per_object must be positive"),
        ({"view_choice": "best"}, "view_choice must be one of"),
    ):
        with pytest.raises(ConfigError, match=message):
            ShapeNetNMR(str(own), **options)
    with pytest.raises(DataError, match="expected at least 25 views, found 24"):
        ShapeNetNMR(str(own), views_per_object=25, categories=["step"])


def test_rows_of_arrays(tmp_path):
    path = tmp_path / "a.npz"
    array = np.arange(24, dtype=np.int16).reshape(4, 3, 2)
    write_rows(path, iter(array.transpose(0, 2, 1)), 4)
    np.testing.assert_array_equal(np.load(path)["arr_0"], array.transpose(0, 2, 1))
    np.savez(path, array)
    assert read_shape(path) == ((4, 3, 2), np.int16)
    np.testing.assert_array_equal(np.stack(list(read_rows(path))), array)
    for rows, count in ((array, 3), (array[:0], 0), ([array, array[0]], 2)):
        with pytest.raises(ValueError, match="expected"):
            write_rows(path, rows, count)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]  # no half-made file
    np.savez(path, np.array([{}], object))
    with pytest.raises(DataError, match="no table of numbers"):
        read_shape(path)
    np.savez(path, b=array)
    with pytest.raises(DataError, match="arr_0.npy"):
        read_shape(path)


def test_surface_points(meshes, built):
    points = {"num_surface_points": 300}
    dataset = ShapeNetNMR(str(built), PIPELINE, categories=["step"], points=points)
    sample = dataset[0]
    model = sample["sample_id"].split("/")[1].removesuffix("_00")
    vertices, faces = true_mesh(meshes, "step", model)
    cloud = torch.as_tensor(sample["surface_points"])
    assert cloud.shape == (300, 3)
    assert point_mesh_distance(cloud, vertices, faces).squared_distances.max() < 1e-5
