# SPDX-License-Identifier: Apache-2.0
"""A folder of meshes becomes DRC's layout, and comes back from it."""

import dataclasses
import operator
import shutil

import numpy as np
import pytest
import torch
import trimesh
from mmengine.registry import init_default_scope
from torch.utils.data import default_collate

from svr3d.cli.build_dataset import main
from svr3d.cli.main import main as console
from svr3d.datasets import ShapeNetDRC
from svr3d.datasets.transforms import DropAlpha, PackViews
from svr3d.engine.config import load_config
from svr3d.errors import ConfigError, DataError
from svr3d.geometry.pose_camera import (
    from_pose_axes,
    project_to_pixels,
    to_pose_axes,
    turn_to_camera,
)
from svr3d.io.image_lists import read_image_list, write_image_list, write_neighbors
from svr3d.io.mesh_data import MeshData
from svr3d.preparation.builder import build_dataset
from svr3d.preparation.drc_packing import pack_drc
from svr3d.preparation.part_labels import label_faces
from svr3d.preparation.settings import BuildSettings
from svr3d.registry import DATASETS

PIPELINE = [DropAlpha(), PackViews(mask_channel=False)]
ARGUMENTS = [
    "--layout", "drc", "--views", "4", "--resolution", "64", "--supersample", "2",
    "--num-surface-points", "3000", "--workers", "0",
]  # fmt: skip
RED, BLUE = [220, 30, 20, 255], [10, 40, 230, 255]


@pytest.fixture(scope="module")
def meshes(tmp_path_factory):
    """Red plates with a blue post at a corner: no symmetry, off centre, odd units."""
    folder = tmp_path_factory.mktemp("meshes")
    for category, count in (("post", 6), ("step", 3)):
        (folder / category).mkdir()
        for index in range(count):
            plate = trimesh.creation.box(bounds=[[-2, 1, 0.5], [4, 1.6, 1.5]])
            post = trimesh.creation.box(bounds=[[3, 1.6, 0.5], [4, 4 + index, 1.1]])
            plate.visual.face_colors, post.visual.face_colors = RED, BLUE
            mesh = trimesh.util.concatenate([plate, post])
            mesh.export(folder / category / f"{category}_{index}.ply")
    return folder


@pytest.fixture(scope="module")
def built(meshes, tmp_path_factory):
    out = tmp_path_factory.mktemp("built")
    assert main([str(meshes), str(out), *ARGUMENTS]) == 0
    return out


@pytest.fixture
def own(built, tmp_path):
    return shutil.copytree(built, tmp_path / "data")


def test_files(built):
    folder = built / "ShapeNet_rendered/post/post_1"
    assert {path.name for path in folder.iterdir()} == {
        "view.txt",
        *(f"{kind}_{k}.png" for kind in ("render", "mask") for k in range(4)),
    }
    rows = np.loadtxt(folder / "view.txt")
    np.testing.assert_array_equal(rows, rows.round())
    assert rows.shape == (4, 4) and (rows[:, 2:] == [0, 2]).all()
    assert (np.abs(rows[:, 0]) <= 180).all()
    assert rows[:, 1].min() >= -20 and rows[:, 1].max() < 40
    cloud = np.load(built / "ShapeNet_v1/post/post_1/pcl_1024_fps_trimesh_colors.npy")
    plain = np.load(built / "ShapeNet_v1/post/post_1/pcl_1024_fps_trimesh.npy")
    assert cloud.dtype == np.float64 and cloud.shape == (1024, 6)
    np.testing.assert_array_equal(cloud[:, :3], plain)
    # The bounding box is centred and has diagonal 1, as ShapeNet has.
    low, high = plain.min(0), plain.max(0)
    np.testing.assert_allclose(np.linalg.norm(high - low), 1, atol=0.03)
    np.testing.assert_allclose(low + high, 0, atol=0.03)
    # Colours are those of the part: the post is what stands up from the plate.
    post = plain[:, 1] > low[1] + 0.3 * (high[1] - low[1])
    assert post.any() and not post.all()
    np.testing.assert_allclose(cloud[post, 3:] * 255, [BLUE[:3]] * post.sum(), atol=1)
    lists = {
        split: read_image_list(built / f"splits/images_list_post{split}.npy")
        for split in ("", "_train", "_val", "_test")
    }
    assert sorted(sum((lists[s] for s in ("_train", "_val", "_test")), [])) == lists[""]
    assert [model for model, _ in lists[""]] == [f"post_{k}" for k in range(6)]
    published = np.load(built / "splits/images_list_post.npy", allow_pickle=True)
    assert published.shape == (6, 1) and published.dtype == object


@pytest.mark.parametrize("view", ["listed", "random"])
def test_poses_and_masks_fit_the_clouds(built, view):
    """Points in the axes of the poses fall where the mask is, and nowhere else."""
    dataset = ShapeNetDRC(str(built), PIPELINE, coordinates="pose", view=view)
    assert dataset.metainfo["categories"] == ["post", "step"]
    batch = default_collate(list(dataset))
    poses, masks = batch["poses"][:, 0], batch["masks"][:, 0]
    assert masks.shape == (len(dataset), 64, 64) and set(masks.unique().tolist()) == {
        0.0,
        1.0,
    }
    pixels = project_to_pixels(turn_to_camera(batch["surface_points"], poses))
    for mask, where in zip(masks, pixels, strict=True):
        # The published camera lies half a pixel off the renderer's.
        row, column = (where[:, :2] - 0.5).round().long().unbind(-1)
        assert mask[row, column].mean() > 0.9
        hit = torch.zeros(64, 64, dtype=torch.bool)
        hit[row, column] = True
        near = torch.nn.functional.max_pool2d(hit.float()[None], 3, 1, 1)[0]
        assert near[mask > 0].mean() > 0.97
    images = batch["images"][:, 0]
    outside = (masks == 0)[:, None].expand_as(images)
    assert images[outside].mean() < 0.01  # black, but for edges


def test_axes_of_poses():
    points = torch.randn(5, 3)
    torch.testing.assert_close(from_pose_axes(to_pose_axes(points)), points)
    expected = torch.tensor([[-2.0, -3.0, 1.0]])
    torch.testing.assert_close(to_pose_axes(torch.tensor([[1.0, 2.0, 3.0]])), expected)


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_base_config(repository, built, part):
    init_default_scope("svr3d")
    path = repository / "configs/_base_/datasets/shapenet_drc.py"
    options = {"data_root": str(built), "categories": ["post"]}
    cfg = load_config(path, options, verbose=False)
    dataset = DATASETS.build(cfg[f"{part}_dataloader"]["dataset"])
    batch = default_collate(list(dataset))
    assert batch["images"].shape[1:] == (1, 3, 64, 64)
    assert batch["masks"].shape[1:] == (1, 64, 64)
    assert ("surface_points" in batch) == ("poses" in batch) == (part != "train")


def test_neighbors(own):
    names = ShapeNetDRC(str(own), categories=["post"]).image_names
    assert len(names) >= 4
    table = {name: [n for n in names if n != name][:3] for name in names[1:]}
    write_neighbors(own / "knn_list_post.npy", table)
    options = {"categories": ["post"], "neighbors": 2}
    dataset = ShapeNetDRC(str(own), PIPELINE, **options)
    assert dataset.image_names == names[1:]
    assert len(dataset.metainfo["without_neighbors"]) == 1
    every = {
        f"{s['sample_id'].split('/')[1]}_{int(s['view_ids'])}": s
        for s in ShapeNetDRC(str(own), PIPELINE, categories=["post"])
    }
    drawn = set()
    for seed in range(8):
        sample = ShapeNetDRC(str(own), PIPELINE, **options, seed=seed)[0]
        found = [
            place
            for place, name in enumerate(table[names[1]])
            if torch.equal(every[name]["images"], sample["neighbor_images"])
            and torch.equal(every[name]["masks"], sample["neighbor_masks"])
        ]
        assert len(found) == 1
        drawn |= set(found)
    assert drawn == {0, 1}


def test_part_maps(own):
    for path in own.glob("ShapeNet_rendered/*/*/mask_*.png"):
        target = path.with_name(path.name.replace("mask", "parts"))
        target.write_bytes(path.read_bytes())
    sample = ShapeNetDRC(str(own), PIPELINE, parts=True)[0]
    assert sample["part_maps"].dtype == torch.int64
    assert torch.equal(sample["part_maps"], (sample["masks"] * 255).long())


def test_record_files_hold_what_folders_hold(own, capsys):
    names = ShapeNetDRC(str(own), categories=["post"]).image_names
    table = {name: [n for n in names if n != name] for name in names}
    write_neighbors(own / "knn_list_post.npy", table)
    assert console(["pack-drc", str(own), "--neighbors", "2"]) == 0
    printed = capsys.readouterr().out
    assert f"{2 * len(names)} records  post_train_mask_similar_2img" in printed
    for options in (
        {"colors": True, "check_files": "full"},
        {"neighbors": 2, "categories": ["post"], "seed": 5},
        {"split": "test"},
    ):
        folders, records = (
            list(ShapeNetDRC(str(own), PIPELINE, source=source, **options))
            for source in ("folders", "records")
        )
        assert len(records) == len(folders) > 0
        for ours, theirs in zip(records, folders, strict=True):
            assert set(ours) == set(theirs)
            for key, value in theirs.items():
                same = torch.equal if isinstance(value, torch.Tensor) else operator.eq
                assert same(ours[key], value), key
    with pytest.raises(ConfigError, match="expected some of post, step, found boat"):
        pack_drc(own, categories=["boat"])
    shutil.rmtree(own / f"ShapeNet_rendered/post/{names[0].rsplit('_', 1)[0]}")
    with pytest.raises(DataError, match="render_"):
        pack_drc(own, overwrite=True)


@pytest.mark.parametrize("rule", ["components", "materials"])
def test_parts_of_meshes(rule):
    """A table of one colour on legs of another, one of which is two boxes."""
    boxes = [trimesh.creation.box(bounds=[[-2, 1, -2], [2, 1.4, 2]])]
    for x, z, low in ((-2, -2, 0), (1.5, -2, 0), (-2, 1.5, 0), (1.5, 1.5, 0.5)):
        bounds = [[x, low, z], [x + 0.5, 0.9, z + 0.5]]
        boxes.append(trimesh.creation.box(bounds=bounds))
    for number, box in enumerate(boxes):
        box.visual.face_colors = BLUE if number else RED
    whole = trimesh.util.concatenate(boxes)
    mesh = MeshData(whole.vertices, whole.faces, face_colors=whole.visual.face_colors)
    labels = label_faces(mesh, rule)
    per_box = labels.reshape(5, 12)
    assert (per_box == per_box[:, :1]).all() and per_box[0, 0] == 1
    legs = per_box[1:, 0]
    if rule == "materials":
        assert (legs == 2).all()
    else:
        assert set(legs) == {2, 3, 4, 5} and legs[-1] == 5  # the shortest
        few = label_faces(mesh, rule, max_parts=3).reshape(5, 12)[:, 0]
        assert few.max() == 3 and few[0] == 1
    with pytest.raises(ValueError, match="found 'names'"):
        label_faces(mesh, "names")


def test_build_with_parts(meshes, tmp_path):
    source = tmp_path / "meshes"
    shutil.copytree(meshes / "step", source / "step")
    settings = BuildSettings(
        layout="drc", views=3, resolution=48, num_surface_points=50, parts="materials"
    )
    build_dataset(source, tmp_path / "data", settings=settings)
    dataset = ShapeNetDRC(str(tmp_path / "data"), PIPELINE, parts=True, view="random")
    for sample in dataset:
        parts = sample["part_maps"]
        assert torch.equal(parts > 0, sample["masks"] > 0)
        assert set(parts.unique().tolist()) == {0, 1, 2}
        # The plate is red, the post blue.
        red, blue = sample["images"][:, 0], sample["images"][:, 2]
        for label, (more, less) in {1: (red, blue), 2: (blue, red)}.items():
            inside = parts == label
            assert (more > less)[inside].float().mean() > 0.9
    with pytest.raises(ConfigError, match="parts: expected none, or the layout drc"):
        BuildSettings(parts="components")
    with pytest.raises(ConfigError, match="found 'names'"):
        BuildSettings(layout="drc", parts="names")


def test_without_poses_and_clouds(own):
    shutil.rmtree(own / "ShapeNet_v1")
    for path in own.glob("ShapeNet_rendered/*/*/view.txt"):
        path.unlink()
    dataset = ShapeNetDRC(str(own), PIPELINE, poses=False, points=False)
    assert set(dataset[0]) == {"images", "masks", "view_ids", "category", "sample_id"}
    with pytest.raises(DataError, match="pcl_1024_fps_trimesh.npy: missing"):
        ShapeNetDRC(str(own), poses=False)
    with pytest.raises(DataError, match="view.txt: cannot be read"):
        ShapeNetDRC(str(own), points=False)
    first, count = dataset.sample_ids[0], len(dataset)
    shutil.rmtree(own / "ShapeNet_rendered" / first)
    options = {"poses": False, "points": False, "skip_missing": True}
    left = ShapeNetDRC(str(own), **options)
    assert list(left.skipped) == [first] and len(left) == count - 1


@pytest.mark.parametrize(
    "options, message",
    [
        ({"split": "all"}, "split must be one of"),
        ({"source": "web"}, "source must be one of"),
        ({"source": "records", "view": "random"}, "need source='folders'"),
        ({"neighbors": -1}, "neighbors must be 0 or more"),
        ({"colors": True, "points": {"num_points": 5}}, "colors need points"),
    ],
)
def test_options_that_do_not_fit(built, options, message):
    with pytest.raises(ConfigError, match=message):
        ShapeNetDRC(str(built), **options)


def test_lists_in_other_forms(tmp_path):
    path = tmp_path / "list.npy"
    images = [("a-b", 3), ("c_d", 11)]
    write_image_list(path, images)
    assert read_image_list(path) == images
    np.save(path, np.array(["a-b_3", "c_d_11"]))
    assert read_image_list(path) == images
    write_image_list(path, [])
    assert read_image_list(path) == []
    np.save(path, np.array(["ab"]))
    with pytest.raises(DataError, match="expected <model>_<view>, found 'ab'"):
        read_image_list(path)
    np.save(path, np.array([[print]], object), allow_pickle=True)
    with pytest.raises(DataError, match="builtins.print"):
        read_image_list(path)


def test_lists_of_gone_categories_go(meshes, tmp_path):
    source, out = shutil.copytree(meshes, tmp_path / "meshes"), tmp_path / "out"
    settings = BuildSettings(
        layout="drc", views=1, resolution=16, num_surface_points=50, supersample=1
    )
    report = build_dataset(source, out, settings=settings)
    assert (report.built, len(list(out.glob("splits/*step*")))) == (9, 4)
    shutil.rmtree(source / "step")
    assert build_dataset(source, out, settings=settings).kept == 6
    assert not list(out.glob("splits/*step*"))
    copies = dataclasses.replace(settings, variants=1)
    build_dataset(source, tmp_path / "copies", settings=copies)
    plain = ShapeNetDRC(str(tmp_path / "copies"))
    more = ShapeNetDRC(str(tmp_path / "copies"), list_suffix="_variants")
    assert len(more) == 2 * len(plain)
