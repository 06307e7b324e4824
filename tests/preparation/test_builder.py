# SPDX-License-Identifier: Apache-2.0
"""The whole way from mesh files to a data set."""

import dataclasses
import json
import os

import cv2
import numpy as np
import pytest
import torch
import trimesh
from small_builds import tree

from svr3d.errors import ConfigError, DataError
from svr3d.geometry.cameras import choy_camera, project, to_object_frame
from svr3d.io.binvox import read_binvox
from svr3d.io.cameras import read_cameras, read_rendering_metadata
from svr3d.io.points import read_pointcloud, read_points
from svr3d.io.splits import read_taxonomy
from svr3d.preparation.builder import build_dataset
from svr3d.preparation.journal import open_journal, record_path


def test_layout_and_manifest(mesh_folder, tmp_path, small_settings):
    out = tmp_path / "out"
    report = build_dataset(mesh_folder, out, settings=small_settings)
    assert (report.built, report.kept, report.failures) == (12, 0, {})
    renderings = out / "ShapeNetRendering/cone/cone3/rendering"
    assert sorted(path.name for path in renderings.iterdir()) == [
        "00.png", "01.png", "02.png", "cameras.npz", "rendering_metadata.txt",
        "renderings.txt",
    ]  # fmt: skip
    assert (renderings / "renderings.txt").read_text() == "00.png\n01.png\n02.png\n"
    image = cv2.imread(str(renderings / "00.png"), cv2.IMREAD_UNCHANGED)
    assert image.shape == (48, 48, 4) and image.dtype == np.uint8
    assert image[0, 0, 3] == 0 and image[..., 3].max() == 255
    grid = read_binvox(out / "ShapeNetVox32/cone/cone3/model.binvox")
    assert grid.voxels.shape == (32, 32, 32)
    assert np.allclose(grid.translate, -grid.scale / 2)
    points = read_points(out / "ShapeNetPoints/cone/cone3/points.npz")
    assert len(points.points) == 2000
    surface = read_pointcloud(out / "ShapeNetPoints/cone/cone3/pointcloud.npz")
    assert len(surface.points) == 1000
    splits = read_taxonomy(out / "ShapeNet.json")
    assert [s.taxonomy_id for s in splits] == ["box", "cone"]
    assert [len(splits[0].of(k)) for k in ("train", "val", "test")] == [4, 1, 1]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["settings"] == small_settings.to_dict()
    assert manifest["num_objects"] == 12 and manifest["failures"] == []
    assert "winding number" in manifest["inside_rule"]
    entry = manifest["objects"]["cone/cone3"]
    assert entry["source"] == "cone/cone3.ply" and len(entry["sha256"]) == 64
    assert entry["voxels_inside"] == grid.voxels.sum()
    assert entry["points_inside"] == points.occupancies.sum()


def test_voxels_and_labels_are_the_shape(tmp_path, small_settings):
    shape = trimesh.creation.icosphere(subdivisions=4, radius=7)
    (tmp_path / "meshes/ball").mkdir(parents=True)
    shape.export(tmp_path / "meshes/ball/ball.ply")
    build_dataset(tmp_path / "meshes", tmp_path / "out", settings=small_settings)
    grid = read_binvox(tmp_path / "out/ShapeNetVox32/ball/ball/model.binvox")
    centres = (np.indices((32,) * 3) + 0.5) / 32 - 0.5
    radius = np.linalg.norm(centres, axis=0)
    reach = np.sqrt(3) / 2 / 32
    assert grid.voxels[radius < 0.495].all()
    assert not grid.voxels[radius > 0.5 + reach].any()
    assert grid.scale == pytest.approx(1 / np.sqrt(3), rel=1e-3)
    samples = read_points(tmp_path / "out/ShapeNetPoints/ball/ball/points.npz")
    distance = np.linalg.norm(samples.points, axis=1)
    sure = np.abs(distance - 0.5) > 2e-3
    assert np.array_equal(samples.occupancies[sure], distance[sure] < 0.5)
    assert samples.scale == pytest.approx(14, rel=1e-3)
    cloud = read_pointcloud(tmp_path / "out/ShapeNetPoints/ball/ball/pointcloud.npz")
    assert np.abs(np.linalg.norm(cloud.points, axis=1) - 0.5).max() < 2e-3
    unit = cloud.points / np.linalg.norm(cloud.points, axis=1, keepdims=True)
    assert (unit * cloud.normals).sum(axis=1).min() > 0.99


def silhouettes_agree(image, points, extrinsics, intrinsics):
    """Shares of surface points on the silhouette, near it, and of it near points."""
    pixels, depth = project(points, extrinsics, intrinsics)
    assert (depth > 0).all()
    height, width = image.shape[:2]
    columns, rows = pixels.floor().long().T.numpy()
    seen = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    splat = np.zeros((height, width), np.uint8)
    splat[rows[seen], columns[seen]] = 1
    alpha = image[..., 3]
    covered = (alpha > 0).astype(np.uint8)
    on = covered[rows[seen], columns[seen]].mean()
    # Points on the very outline may lie in a pixel that no sample covers; a shift
    # of half a pixel would leave 1 % of the points outside.
    near = cv2.dilate(covered, np.ones((3, 3), np.uint8))[rows[seen], columns[seen]]
    explained = (cv2.dilate(splat, np.ones((3, 3), np.uint8)) > 0)[alpha > 127].mean()
    return on, near.min(), explained


@pytest.mark.parametrize("resolution", [64, 137])
def test_silhouettes_are_where_the_cameras_say(
    tmp_path, small_settings, mesh_folder, resolution
):
    settings = dataclasses.replace(
        small_settings,
        resolution=resolution,
        supersample=8,
        num_surface_points=30_000,
    )
    out = tmp_path / "out"
    build_dataset(mesh_folder, out, settings=settings)
    for model in ("box/box0", "cone/cone1", "cone/cone4"):
        folder = out / "ShapeNetRendering" / model / "rendering"
        surface = read_pointcloud(out / "ShapeNetPoints" / model / "pointcloud.npz")
        points = torch.from_numpy(surface.points).double()
        grid = read_binvox(out / "ShapeNetVox32" / model / "model.binvox")
        metadata = torch.from_numpy(
            read_rendering_metadata(folder / "rendering_metadata.txt")
        )
        extrinsics, intrinsics = choy_camera(
            metadata, height=resolution, width=resolution
        )
        extrinsics = to_object_frame(extrinsics, grid.translate, grid.scale)
        written = read_cameras(folder / "cameras.npz")
        assert np.allclose(written[0], extrinsics) and np.allclose(
            written[1], intrinsics
        )
        for view in range(settings.views):
            image = cv2.imread(str(folder / f"{view:02d}.png"), cv2.IMREAD_UNCHANGED)
            on, near, explained = silhouettes_agree(
                image, points, extrinsics[view], intrinsics[view]
            )
            assert on > 0.997 and near == 1 and explained > 0.98


def test_the_reader_reads_what_was_built(tmp_path, small_settings, mesh_folder):
    from svr3d.datasets.shapenet_r2n2 import ShapeNetR2N2

    build_dataset(mesh_folder, tmp_path / "out", settings=small_settings)
    dataset = ShapeNetR2N2(
        str(tmp_path / "out"), split="train", num_views=3, check_files="full"
    )
    assert len(dataset) == 8
    sample = dataset[0]
    assert np.asarray(sample["images"]).shape[0] == 3
    assert np.asarray(sample["voxels"]).shape == (32, 32, 32)
    assert sample["sample_id"].split("/")[0] == "box"


BAD = {
    "truncated.glb": "expected a readable glb mesh",
    "nan.off": "expected finite vertices, found 1 of 4",
    "faceless.off": "faces",
    "empty.obj": "expected",
    "flat.off": "all with zero area",
}


def write_bad_files(folder):
    data = trimesh.creation.box().export(file_type="glb")
    (folder / "truncated.glb").write_bytes(data[: len(data) // 2])
    corners = "0 0 0\n1 0 0\n0 1 0\n2 0 0\n"
    nan = corners.replace("2", "nan")
    (folder / "nan.off").write_text(f"OFF\n4 1 0\n{nan}3 0 1 2\n")
    (folder / "faceless.off").write_text(f"OFF\n4 0 0\n{corners}")
    (folder / "empty.obj").write_bytes(b"")
    (folder / "flat.off").write_text(f"OFF\n4 1 0\n{corners}3 0 1 3\n")
    (folder / "partly.off").write_text(f"OFF\n4 2 0\n{corners}3 0 1 3\n3 0 1 2\n")


def test_bad_files_are_listed_and_the_rest_is_built(
    mesh_folder, tmp_path, small_settings
):
    write_bad_files(mesh_folder / "box")
    out = tmp_path / "out"
    report = build_dataset(mesh_folder, out, settings=small_settings)
    assert report.built == 13  # twelve good ones and the one with some flat faces
    reasons = {os.path.basename(path): why for path, why in report.failures.items()}
    assert reasons.keys() == BAD.keys()
    for name, message in BAD.items():
        assert message in reasons[name] and name in reasons[name]
    manifest = json.loads((out / "manifest.json").read_text())
    listed = {os.path.basename(f["source"]): f["reason"] for f in manifest["failures"]}
    assert listed == reasons
    assert manifest["objects"]["box/partly"]["zero_area_faces_dropped"] == 1
    assert not (out / "ShapeNetVox32/box/nan").exists()
    models = sum((list(s.of(k)) for s in read_taxonomy(out / "ShapeNet.json")
                  for k in ("train", "val", "test")), [])  # fmt: skip
    assert len(models) == 13 and "nan" not in models


def test_finished_objects_are_kept_and_changed_ones_rebuilt(
    mesh_folder, tmp_path, small_settings
):
    out = tmp_path / "out"
    build_dataset(mesh_folder, out, settings=small_settings)
    before = tree(out)
    (out / "ShapeNetVox32/cone/cone0/model.binvox").unlink()
    (out / "ShapeNetVox32/cone/cone0").rmdir()
    report = build_dataset(mesh_folder, out, settings=small_settings)
    assert (report.built, report.kept) == (1, 11)
    assert tree(out) == before
    trimesh.creation.box((1, 1, 1)).export(mesh_folder / "cone/cone0.glb")
    report = build_dataset(mesh_folder, out, settings=small_settings)
    assert (report.built, report.kept) == (1, 11)
    changed = {name for name, data in tree(out).items() if before[name] != data}
    assert changed and all("cone/cone0/" in name for name in changed)


def test_same_seed_same_files(mesh_folder, tmp_path, small_settings):
    for name in ("a", "b"):
        build_dataset(mesh_folder, tmp_path / name, settings=small_settings)
    other = dataclasses.replace(small_settings, seed=1)
    build_dataset(mesh_folder, tmp_path / "c", settings=other)
    first, second, third = (tree(tmp_path / name) for name in "abc")
    assert first == second
    assert first.keys() == third.keys() and first != third


def test_other_settings_are_refused(mesh_folder, tmp_path, small_settings):
    out = tmp_path / "out"
    build_dataset(mesh_folder, out, settings=small_settings)
    other = dataclasses.replace(small_settings, views=2)
    with pytest.raises(ConfigError, match="views: 3 before, 2 now.*--overwrite"):
        build_dataset(mesh_folder, out, settings=other)
    report = build_dataset(mesh_folder, out, settings=other, overwrite=True)
    assert (report.built, report.kept) == (12, 0)
    assert not (out / "ShapeNetRendering/box/box0/rendering/02.png").exists()


def test_half_made_objects_are_made_anew(mesh_folder, tmp_path, small_settings):
    out = tmp_path / "out"
    build_dataset(mesh_folder, out, settings=small_settings)
    before = tree(out)
    # Killed after the folders were moved and before the record was written.
    record_path(out, "box/box0").unlink()
    (out / "ShapeNetPoints/box/box0/points.npz").write_bytes(b"half")
    (out / ".build/temporary").mkdir(exist_ok=True)
    (out / ".build/temporary/left.png").write_bytes(b"half")
    # Killed while a record was written.
    record_path(out, "cone/cone1").write_text('{"source": "co')
    report = build_dataset(mesh_folder, out, settings=small_settings)
    assert (report.built, report.kept) == (2, 10)
    assert tree(out) == before
    assert not (out / ".build/temporary").exists()


def test_two_builds_in_one_folder(mesh_folder, tmp_path, small_settings):
    out = tmp_path / "out"
    with open_journal(out, small_settings):
        with pytest.raises(DataError, match="expected no other build"):
            build_dataset(mesh_folder, out, settings=small_settings)


def test_folder_that_cannot_be_written(mesh_folder, tmp_path, small_settings):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="expected a folder that can be written"):
        build_dataset(mesh_folder, tmp_path / "file", settings=small_settings)


def test_z_up_meshes_stand_upright(tmp_path, small_settings):
    (tmp_path / "meshes/post").mkdir(parents=True)
    trimesh.creation.box((1, 1, 4)).export(tmp_path / "meshes/post/post.ply")
    settings = dataclasses.replace(small_settings, up="z", voxel_resolution=16)
    build_dataset(tmp_path / "meshes", tmp_path / "out", settings=settings)
    grid = read_binvox(tmp_path / "out/ShapeNetVox16/post/post/model.binvox")
    x, y, z = (np.ptp(index) + 1 for index in grid.voxels.nonzero())
    assert y == 16 and x == z and x < 8
