# SPDX-License-Identifier: Apache-2.0
"""Grids of Pix3D's meshes: where they lie, and what a run keeps, makes and lists."""

import json

import numpy as np
import pytest
import torch
import trimesh

from svr3d.cli.pix3d_voxels import main
from svr3d.datasets.pix3d_geometry import pix3d_camera
from svr3d.errors import DataError
from svr3d.geometry.cameras import project
from svr3d.io.binvox import read_binvox, write_binvox
from svr3d.preparation.pix3d_voxels import make_pix3d_voxels

CHAIR, BED = "model/chair/M0/model.binvox", "model/bed/B/model.binvox"


def hook():
    """A seat with a back on one side and one arm: no symmetry, off centre."""
    parts = (
        [[0.1, 0.0, 0.2], [0.5, 0.1, 0.6]],
        [[0.1, 0.1, 0.5], [0.5, 0.9, 0.6]],
        [[0.1, 0.1, 0.2], [0.2, 0.4, 0.3]],
    )
    boxes = [trimesh.creation.box(bounds=bounds) for bounds in parts]
    return trimesh.util.concatenate(boxes), np.array(parts)


@pytest.fixture
def root(tmp_path):
    """Two chairs of one mesh, and a bed."""
    entries = []
    for name, model in (("chair/0001", "M0"), ("chair/0002", "M0"), ("bed/7", "B")):
        folder = f"model/{name.split('/')[0]}/{model}"
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        hook()[0].export(tmp_path / folder / "model.obj")
        entries.append(
            {
                "img": f"img/{name}.png",
                "img_size": [80, 60],
                "bbox": [30, 20, 60, 40],
                "model": f"{folder}/model.obj",
                "voxel": f"{folder}/voxel.mat",
            }
        )
    (tmp_path / "pix3d.json").write_text(json.dumps(entries))
    return tmp_path


def change(root, **values):
    """Change all entries of the annotations."""
    path = root / "pix3d.json"
    entries = [entry | values for entry in json.loads(path.read_text())]
    path.write_text(json.dumps(entries))


def test_cells_lie_where_the_mesh_is(root):
    report = make_pix3d_voxels(root)
    assert (report.made, report.kept, report.failures) == (2, 0, {})
    grid = read_binvox(root / CHAIR)
    assert grid.scale == pytest.approx(0.9)
    assert grid.translate == pytest.approx((-0.15, 0.0, -0.05))
    assert grid.voxels.shape == (32, 32, 32)
    # Exactly the cells that touch one of the boxes, in the mesh's own frame.
    lower = np.stack(np.meshgrid(*[np.arange(32)] * 3, indexing="ij"), -1)
    lower = lower * grid.scale / 32 + grid.translate
    upper = lower + grid.scale / 32
    expected = np.zeros((32, 32, 32), bool)
    for low, high in hook()[1]:
        expected |= ((lower < high) & (upper > low)).all(-1)
    differing = expected != grid.voxels.astype(bool)
    assert differing.sum() <= 0.02 * expected.sum()
    assert grid.voxels.sum() > 800


def test_grid_and_camera_agree(root):
    """A cell's centre projects as the same point of the mesh does."""
    make_pix3d_voxels(root)
    grid = read_binvox(root / CHAIR)
    angle = np.radians(35)
    c, s = np.cos(angle), np.sin(angle)
    entry = {
        "rot_mat": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        "trans_mat": [0.1, -0.2, 2.0],
        "focal_length": 30.0,
        "img_size": [80, 60],
    }
    cells = np.argwhere(grid.voxels)
    in_mesh = (cells + 0.5) / 32 * grid.scale + grid.translate
    seen = in_mesh @ np.array(entry["rot_mat"]).T + entry["trans_mat"]
    focal = 30 / 32 * 80
    expected = np.array([40, 30]) - focal * seen[:, :2] / seen[:, 2:]
    extrinsics, intrinsics, _ = pix3d_camera(entry, grid.translate, grid.scale)
    points = torch.from_numpy((cells + 0.5) / 32 - 0.5)
    pixels, _ = project(points, extrinsics, intrinsics)
    np.testing.assert_allclose(pixels[0], expected, atol=1e-9)


def test_a_second_run_keeps_what_is_there(root):
    make_pix3d_voxels(root, categories=["bed"])
    assert not (root / CHAIR).exists()
    before = (root / BED).stat().st_mtime_ns
    report = make_pix3d_voxels(root)
    assert (report.made, report.kept) == (1, 1)
    assert (root / BED).stat().st_mtime_ns == before
    # A file that a kill cut short is made anew.
    (root / BED).write_bytes((root / BED).read_bytes()[:-3])
    assert make_pix3d_voxels(root).made == 1
    assert read_binvox(root / BED).voxels.any()
    assert make_pix3d_voxels(root, overwrite=True).made == 2
    assert not list(root.glob("model/**/.*"))


def test_grids_of_another_resolution_are_not_replaced(root):
    write_binvox(root / BED, np.ones((16, 16, 16)))
    report = make_pix3d_voxels(root)
    assert report.made == 1 and "expected a grid of 32^3" in report.failures[BED]
    assert make_pix3d_voxels(root, overwrite=True).failures == {}


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda path: path.unlink(), "no such file"),
        (lambda path: path.write_text("v 0 0 0\n"), "no faces"),
        (lambda path: path.write_bytes(b"\x00\xff"), "model.obj"),
    ],
)
def test_bad_meshes_are_listed_and_the_rest_is_made(root, damage, found, capsys):
    damage(root / "model/bed/B/model.obj")
    assert main([str(root)]) == 0
    captured = capsys.readouterr()
    assert "1 meshes gave no grid" in captured.err and found in captured.err
    assert captured.out.splitlines()[-1] == str(root)
    assert (root / CHAIR).exists() and not (root / BED).exists()
    damage(root / "model/chair/M0/model.obj")
    (root / CHAIR).unlink()
    assert main([str(root)]) == 1


def test_bad_annotations(root):
    with pytest.raises(DataError, match="out of bed, chair, found sofa"):
        make_pix3d_voxels(root, categories=["sofa"])
    change(root, model=None)
    report = make_pix3d_voxels(root)
    assert "expected one 'model'" in report.failures[CHAIR]
    change(root, voxel="model/a/voxel.mat", model="model/chair/M0/model.obj")
    assert make_pix3d_voxels(root).made == 1
    entries = json.loads((root / "pix3d.json").read_text())
    entries[0]["model"] = "model/bed/B/model.obj"
    (root / "pix3d.json").write_text(json.dumps(entries))
    report = make_pix3d_voxels(root, overwrite=True)
    assert "none or several" in report.failures["model/a/model.binvox"]
    (root / "pix3d.json").unlink()
    with pytest.raises(DataError, match="pix3d.json"):
        make_pix3d_voxels(root)
