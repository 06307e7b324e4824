# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch
import trimesh

from svr3d.structures import Mesh, PointCloud, Voxels, save_structure


@pytest.fixture
def box():
    grid = torch.zeros(1, 8, 8, 8)
    grid[0, 1:7, 2:5, 3:4] = 0.9
    return Voxels(grid)


@pytest.mark.parametrize("kind", ["glb", "obj", "ply", "off"])
def test_mesh_files_hold_the_surface_in_the_object_frame(tmp_path, box, kind):
    path = save_structure(box, tmp_path / "new" / f"box.{kind}", mode="cubes")
    mesh = trimesh.load_mesh(path)
    expected = [[-3 / 8, -2 / 8, -1 / 8], [3 / 8, 1 / 8, 0]]
    np.testing.assert_allclose(mesh.bounds, expected, atol=1e-6)
    assert mesh.volume == pytest.approx(6 * 3 * 1 / 8**3, rel=1e-5)


def test_a_smooth_glb_has_outward_normals(tmp_path, box):
    mesh = trimesh.load_mesh(save_structure(box, tmp_path / "box.glb"))
    assert b"NORMAL" in (tmp_path / "box.glb").read_bytes()
    top = mesh.vertices[:, 1] > mesh.bounds[1, 1] - 1e-6
    assert mesh.vertex_normals[top, 1].min() > 0.5


def test_binvox_holds_the_cells_above_the_threshold(tmp_path, box):
    from svr3d.io.binvox import read_binvox

    box.probabilities[0, 0, 0, 7] = 0.3
    for threshold, corner in ((0.4, 0), (0.2, 1)):
        path = save_structure(box, tmp_path / "box.binvox", threshold=threshold)
        data = read_binvox(path)
        grid = getattr(data, "voxels", data)
        assert np.array_equal(grid.astype(bool), box.binary(threshold)[0].numpy())
        assert grid[0, 0, 7] == corner


def test_colors_and_points_are_kept(tmp_path):
    triangle = Mesh(torch.eye(3)[None], torch.tensor([[0, 1, 2]]), torch.eye(3)[None])
    mesh = trimesh.load_mesh(save_structure(triangle, tmp_path / "a.ply"))
    assert mesh.visual.vertex_colors[:, :3].tolist() == (np.eye(3) * 255).tolist()
    points = torch.rand(7, 3)
    cloud = trimesh.load(save_structure(PointCloud([points]), tmp_path / "b.ply"))
    np.testing.assert_allclose(cloud.vertices, points, atol=1e-6)


def test_what_cannot_be_written_is_refused(tmp_path, box):
    with pytest.raises(ValueError, match=r"x\.foo: expected one of.*glb.*found 'foo'"):
        save_structure(box, tmp_path / "x.foo")
    with pytest.raises(ValueError, match="surface is empty"):
        save_structure(box, tmp_path / "x.glb", threshold=0.95)
    with pytest.raises(ValueError, match="one sample, found 2"):
        save_structure(Voxels.cat([box, box]), tmp_path / "x.glb")
