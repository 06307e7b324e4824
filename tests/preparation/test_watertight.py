# SPDX-License-Identifier: Apache-2.0
"""Closed versions of open meshes."""

import json

import numpy as np
import pytest
import torch
import trimesh

from svr3d.errors import MeshError
from svr3d.io.mesh_data import MeshData
from svr3d.io.points import read_pointcloud, read_points
from svr3d.ops import points_in_mesh
from svr3d.preparation.builder import build_dataset
from svr3d.preparation.settings import BuildSettings
from svr3d.preparation.watertight import (
    erode_depth,
    fuse_depth_maps,
    golden_angle_views,
    is_watertight,
    make_watertight,
)

RESOLUTION = 32


def as_data(shape):
    return MeshData(shape.vertices, shape.faces)


def open_box():
    """A box without its lid, of one sheet, with a ball hidden in it."""
    box = trimesh.creation.box((1, 0.6, 0.6))
    lid = box.face_normals[:, 1] > 0.5
    sheet = trimesh.Trimesh(box.vertices, box.faces[~lid], process=False)
    return sheet


def test_what_counts_as_watertight():
    box = trimesh.creation.box((1, 1, 1))
    assert is_watertight(as_data(box))
    assert not is_watertight(as_data(open_box()))
    corners = box.vertices[box.faces].reshape(-1, 3)
    soup = MeshData(corners, np.arange(36).reshape(-1, 3))
    assert is_watertight(soup)  # the same places count as one
    turned = box.faces.copy()
    turned[0] = turned[0, ::-1]
    assert not is_watertight(MeshData(box.vertices, turned))
    twice = MeshData(box.vertices, np.concatenate([box.faces, box.faces]))
    assert not is_watertight(twice)


def test_a_ball_keeps_its_shape():
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.5)
    closed = make_watertight(as_data(ball), resolution=RESOLUTION, num_views=40)
    radius = np.linalg.norm(closed.vertices, axis=1)
    cell = 1 / RESOLUTION / 0.9
    # Depth maps are moved by 1.5 cells, and eroded by a pixel.
    assert radius.min() > 0.5 and radius.max() < 0.5 + 3 * cell
    solid = trimesh.Trimesh(closed.vertices, closed.faces)
    assert solid.is_watertight and solid.volume > 0 and solid.body_count == 1


def test_hidden_faces_are_gone_and_sheets_are_thick():
    ball = trimesh.creation.icosphere(subdivisions=2, radius=0.1)
    shell = trimesh.creation.box((1, 0.6, 0.6))
    both = as_data(trimesh.util.concatenate([shell, ball]))
    closed = make_watertight(both, resolution=RESOLUTION, num_views=40)
    assert np.abs(closed.vertices).max(axis=1).min() > 0.25
    sheet = make_watertight(as_data(open_box()), resolution=RESOLUTION, num_views=40)
    assert trimesh.Trimesh(sheet.vertices, sheet.faces).is_watertight
    queries = torch.tensor([[0.0, 0.1, 0], [0, -0.3, 0], [0.5, 0, 0], [0, 0.45, 0]])
    vertices, faces = torch.from_numpy(sheet.vertices), torch.from_numpy(sheet.faces)
    # The room without a lid is outside, its walls are inside.
    found = points_in_mesh(vertices, faces, queries).tolist()
    assert found == [False, True, True, False]


def test_fusion_is_the_mean_of_what_maps_know():
    rotations = torch.eye(3).expand(2, 3, 3)
    depth = torch.stack([torch.full((8, 8), 0.9), torch.full((8, 8), 1.1)])
    options = dict(resolution=4, focal=2.0, principal=4.0, truncation=0.2)
    values = fuse_depth_maps(depth, rotations, **options)
    # Cells at z = -0.375, -0.125, 0.125, 0.375 have depths 0.625 to 1.375.
    expected = torch.tensor([0.2, (0.025 + 0.2) / 2, (1.1 - 1.125), -0.2])
    torch.testing.assert_close(values, expected.expand(4, 4, 4))
    depth[1] = 0  # unknown
    values = fuse_depth_maps(depth, rotations, **options)
    expected = torch.tensor([0.2, 0.025, -0.2, -0.2])
    torch.testing.assert_close(values, expected.expand(4, 4, 4))
    with pytest.raises(ValueError, match="expected depth"):
        fuse_depth_maps(depth, rotations[:1], **options)


def test_erosion():
    depth = torch.full((1, 5, 5), 2.0)
    depth[0, 0, 4] = 1
    eroded = erode_depth(depth)
    assert (eroded[0, :2, 3:] == 1).all() and (eroded == 1).sum() == 4


def test_views_cover_the_sphere():
    views = golden_angle_views(100)
    torch.testing.assert_close(views.norm(dim=1), torch.ones(100).double())
    nearest = (views @ views.T - 2 * torch.eye(100)).amax(1)
    assert nearest.min() > np.cos(0.5)


def test_nothing_to_see():
    corner = np.array([0.31, 0.17, 0.11])
    speck = MeshData(corner + 1e-6 * np.eye(3), [[0, 1, 2]])
    with pytest.raises(MeshError, match="found an empty volume"):
        make_watertight(speck, resolution=16, num_views=4)


@pytest.mark.parametrize("rule, closed", [("never", 0), ("open", 1), ("always", 2)])
def test_an_option_of_the_builder(tmp_path, rule, closed):
    folder = tmp_path / "meshes/box"
    folder.mkdir(parents=True)
    trimesh.creation.box((2, 1, 1)).export(folder / "whole.ply")
    open_box().export(folder / "open.ply")
    settings = BuildSettings(
        layout="occnet",
        views=1,
        resolution=16,
        num_points=500,
        num_surface_points=300,
        watertight=rule,
        watertight_resolution=RESOLUTION,
        split=(1, 0, 0),
    )
    report = build_dataset(folder.parent, tmp_path / "out", settings=settings)
    assert report.failures == {}
    objects = json.loads((tmp_path / "out/manifest.json").read_text())["objects"]
    made = [name for name, entry in objects.items() if entry.get("made_watertight")]
    assert len(made) == closed
    points = read_points(tmp_path / "out/box/open/points.npz")
    room = (np.abs(points.points) < [0.3, 0.15, 0.15]).all(axis=1)
    assert points.occupancies[room].any() == (rule == "never")
    assert points.scale == 1 and points.loc.tolist() == [0, 0, 0]
    surface = read_pointcloud(tmp_path / "out/box/open/pointcloud.npz")
    assert np.abs(surface.points).max() < 0.5 + 4 / RESOLUTION
