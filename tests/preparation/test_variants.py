# SPDX-License-Identifier: Apache-2.0
"""Deformed copies of training objects: the deformation, the lists, the files."""

import dataclasses
import json

import numpy as np
import pytest
import trimesh
from small_builds import tree

from svr3d.datasets import ShapeNetR2N2
from svr3d.errors import DataError
from svr3d.io.binvox import read_binvox
from svr3d.io.splits import read_taxonomy
from svr3d.preparation.builder import build_dataset
from svr3d.preparation.deformation import Deformation
from svr3d.preparation.seeding import stable_rng


def test_a_stretched_and_tapered_box_has_the_expected_corners():
    box = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    corners = Deformation((2.0, 1.0, 0.5), 0.25, -0.5).apply(box)
    expected = {
        (1, 1, 1): (2 * 1.25 * 0.5, 0.5, 0.5 * 1.25),
        (1, 1, -1): (2 * 1.25 * 1.5, 1.5, -0.5 * 1.25),
        (-1, -1, 1): (-2 * 0.75 * 0.5, -0.5, 0.5 * 0.75),
    }
    found = {tuple(b): c for b, c in zip(box.tolist(), corners, strict=True)}
    for corner, position in expected.items():
        np.testing.assert_allclose(found[corner], position)


def test_nothing_folds_over_and_symmetry_stays():
    ball = trimesh.creation.icosphere(subdivisions=3)
    for seed in range(20):
        deformation = Deformation.draw(np.random.default_rng(seed))
        mesh = trimesh.Trimesh(deformation.apply(ball.vertices), ball.faces)
        outward = (mesh.face_normals * mesh.triangles_center).sum(axis=1)
        assert mesh.is_volume and outward.min() > 0
        mirrored = deformation.apply(ball.vertices * [-1, 1, 1]) * [-1, 1, 1]
        np.testing.assert_allclose(mirrored, mesh.vertices, atol=1e-12)


def test_a_flat_mesh_stays_finite():
    flat = np.array([[0.0, 0, 0], [1, 0, 0], [0, 0, 1]])
    out = Deformation((1.0, 2.0, 1.0), 0.3, 0.3).apply(flat)
    assert np.isfinite(out).all() and (out[:, 1] == 0).all()


def test_variants_join_only_the_second_training_list(
    mesh_folder, tmp_path, small_settings
):
    settings = dataclasses.replace(small_settings, variants=2)
    out = tmp_path / "out"
    report = build_dataset(mesh_folder, out, settings=settings)
    plain = read_taxonomy(out / "ShapeNet.json")
    more = read_taxonomy(out / "ShapeNet_variants.json")
    training = sum(len(s.of("train")) for s in plain)
    assert report.built == 12 + 2 * training
    for before, after in zip(plain, more, strict=True):
        assert after.of("val") == before.of("val")
        assert after.of("test") == before.of("test")
        copies = [f"{m}-variant{k}" for m in before.of("train") for k in (1, 2)]
        assert after.of("train") == sorted([*before.of("train"), *copies])
    reader = ShapeNetR2N2(str(out), split_file="ShapeNet_variants.json", num_views=2)
    assert len(reader) == 3 * training

    model = plain[0].of("train")[0]
    grids = [
        read_binvox(out / f"ShapeNetVox32/box/{name}/model.binvox").voxels
        for name in (model, f"{model}-variant1", f"{model}-variant2")
    ]
    assert len({grid.tobytes() for grid in grids}) == 3
    entry = json.loads((out / "manifest.json").read_text())["objects"]
    entry = entry[f"box/{model}-variant1"]
    drawn = Deformation.draw(stable_rng(0, f"box/{model}-variant1", "deformation"))
    assert entry["deformation"] == drawn.to_dict()
    assert entry["source"].startswith(f"box/{model}.")


def test_variants_can_be_added_to_a_finished_data_set(
    mesh_folder, tmp_path, small_settings
):
    once, twice = tmp_path / "once", tmp_path / "twice"
    settings = dataclasses.replace(small_settings, variants=1)
    build_dataset(mesh_folder, once, settings=settings)
    build_dataset(mesh_folder, twice, settings=small_settings)
    report = build_dataset(mesh_folder, twice, settings=settings)
    assert report.kept == 12 and report.built > 0
    assert tree(twice) == tree(once)
    build_dataset(mesh_folder, twice, settings=small_settings)
    assert not (twice / "ShapeNet_variants.json").exists()


def test_a_mesh_with_the_name_of_a_variant_is_refused(
    mesh_folder, tmp_path, small_settings
):
    build_dataset(mesh_folder, tmp_path / "a", settings=small_settings)
    model = read_taxonomy(tmp_path / "a/ShapeNet.json")[0].of("train")[0]
    (source,) = (mesh_folder / "box").glob(f"{model}.*")
    clash = source.with_name(f"{model}-variant1{source.suffix}")
    clash.write_bytes(source.read_bytes())
    settings = dataclasses.replace(small_settings, variants=1)
    # The clash may change the split; both that model and the clash train then.
    settings = dataclasses.replace(settings, split=(1.0, 0.0, 0.0))
    with pytest.raises(DataError, match=f"{model}-variant1.*variant 1 of"):
        build_dataset(mesh_folder, tmp_path / "b", settings=settings)
