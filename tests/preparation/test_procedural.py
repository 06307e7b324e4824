# SPDX-License-Identifier: Apache-2.0
"""The embedded mesh set."""

import numpy as np
import pytest

from svr3d.errors import ConfigError
from svr3d.io.meshes import load_mesh
from svr3d.ops import voxelize_meshes
from svr3d.preparation.object_frame import normalize_mesh
from svr3d.preparation.procedural import CATEGORIES, make_object
from svr3d.preparation.procedural.mesh_set import write_meshes
from svr3d.preparation.procedural.part_builder import PartBuilder


def test_there_are_at_least_eight_categories():
    assert len(CATEGORIES) >= 8
    assert {"chair", "table", "lamp", "sofa", "cabinet", "car", "plane"} <= set(
        CATEGORIES
    )


@pytest.mark.parametrize("category", CATEGORIES)
def test_parts_are_closed_and_coloured(category):
    for index in range(8):
        mesh = make_object(category, index)
        edges = mesh.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
        there = {tuple(edge) for edge in edges.tolist()}
        assert len(there) == len(edges)
        assert there == {(b, a) for a, b in there}
        assert np.isfinite(mesh.vertices).all()
        assert len(np.unique(mesh.face_colors, axis=0)) >= 1


@pytest.mark.parametrize("category", CATEGORIES)
def test_objects_of_a_category_differ(category):
    grids = []
    for index in range(6):
        mesh = normalize_mesh(make_object(category, index)).mesh
        grid = voxelize_meshes(mesh.vertices, mesh.faces, 24).numpy().astype(bool)
        grids.append(grid)
        assert 0.004 < grid.mean() < 0.9
    overlaps = [
        (a & b).sum() / (a | b).sum() for i, a in enumerate(grids) for b in grids[:i]
    ]
    assert max(overlaps) < 1 and np.mean(overlaps) < 0.85


def test_same_seed_same_bytes(tmp_path):
    first = write_meshes(tmp_path / "a", 2, seed=3)
    second = write_meshes(tmp_path / "b", 3, seed=3)
    other = write_meshes(tmp_path / "c", 2, seed=4)
    paths = sorted(path.relative_to(first) for path in first.glob("*/*.glb"))
    assert len(paths) == 2 * len(CATEGORIES)
    for path in paths:
        assert (first / path).read_bytes() == (second / path).read_bytes()
        assert (first / path).read_bytes() != (other / path).read_bytes()


def test_written_meshes_are_the_made_ones(tmp_path):
    folder = write_meshes(tmp_path, 1)
    for category in CATEGORIES:
        made = make_object(category, 0)
        read = load_mesh(folder / category / f"{category}_0000.glb")
        assert len(read.faces) + read.num_zero_area_faces == len(made.faces)
        assert np.allclose(np.ptp(read.vertices, 0), np.ptp(made.vertices, 0))


def test_fewer_objects_remove_the_rest(tmp_path):
    folder = write_meshes(tmp_path, 3)
    (folder / "chair" / "mine.glb").write_bytes(b"mine")
    write_meshes(tmp_path, 1)
    names = sorted(path.name for path in (folder / "chair").iterdir())
    assert names == ["chair_0000.glb", "mine.glb"]


def test_wrong_count(tmp_path):
    with pytest.raises(ConfigError, match="expected at least 1, found 0"):
        write_meshes(tmp_path, 0)


def volume(parts: PartBuilder) -> float:
    mesh = parts.build()
    a, b, c = mesh.vertices.astype(float)[mesh.faces].transpose(1, 0, 2)
    return float((a * np.cross(b, c)).sum() / 6)


def test_primitives_have_their_volumes():
    red = (255, 0, 0)
    parts = PartBuilder()
    parts.box((1, 2, 3), (1, 2, 3), color=red, turn=("z", 30))
    assert volume(parts) == pytest.approx(6, rel=1e-4)
    parts = PartBuilder()
    parts.box((0, 0, 0), (2, 1, 2), color=red, taper=(0, 0), shift=(0.5, 0.5))
    assert volume(parts) == pytest.approx(4 / 3, rel=1e-4)
    parts = PartBuilder()
    parts.tube((0, 0, 0), (1, 1, 1), 0.5, color=red, sides=64)
    assert volume(parts) == pytest.approx(np.pi / 4 * np.sqrt(3), rel=5e-3)
    parts = PartBuilder()
    parts.ellipsoid((0, 0, 0), (1, 2, 3), color=red, sides=64)
    assert volume(parts) == pytest.approx(4 / 3 * np.pi * 6, rel=1e-2)
    parts = PartBuilder()
    wall = [(1, 0), (1, 1), (0.5, 1), (0.5, 0)]
    parts.lathe(wall, color=red, sides=64, hollow=True)
    assert volume(parts) == pytest.approx(np.pi * 0.75, rel=5e-3)
    parts = PartBuilder()
    parts.prism([(0, 0), (2, 0), (2, 1), (0, 1)], -1, 2, color=red)
    assert volume(parts) == pytest.approx(6, rel=1e-4)
