# SPDX-License-Identifier: Apache-2.0
"""Occupancy labels and surface points against closed forms."""

import numpy as np
import pytest
import trimesh

from svr3d.io.meshes import MeshData
from svr3d.preparation.occupancy_samples import sample_occupancy
from svr3d.preparation.seeding import stable_rng
from svr3d.preparation.surface_samples import sample_surface


def merged(*shapes: trimesh.Trimesh) -> MeshData:
    offsets = np.cumsum([0] + [len(s.vertices) for s in shapes])
    return MeshData(
        np.concatenate([s.vertices for s in shapes]),
        np.concatenate([s.faces + o for s, o in zip(shapes, offsets, strict=False)]),
    )


def two_boxes(invert: bool) -> MeshData:
    """Two boxes of x extent 0.6 that share the middle 0.2; together [-0.5, 0.5]."""
    left = trimesh.creation.box((0.6, 0.5, 0.5))
    right = left.copy()
    left.apply_translation((-0.2, 0, 0))
    right.apply_translation((0.2, 0, 0))
    if invert:
        right.invert()
    return merged(left, right)


@pytest.mark.parametrize("invert", [False, True])
def test_labels_of_overlapping_and_inverted_boxes(invert):
    points, labels = sample_occupancy(
        two_boxes(invert), 5000, padding=0.1, rng=stable_rng(1)
    )
    assert points.dtype == np.float16 and np.abs(points).max() <= 0.5503
    assert np.abs(points).max() > 0.54
    exact = points.astype(float)
    inside = (np.abs(exact) < (0.5, 0.25, 0.25)).all(axis=1)
    edge = (np.abs(np.abs(exact) - (0.5, 0.25, 0.25)) < 1e-6).any(axis=1)
    assert np.array_equal(labels[~edge], inside[~edge])
    assert 0.15 < labels.mean() < 0.22  # 0.25 / 1.331


@pytest.mark.parametrize("invert", [False, True])
def test_surface_points_show_and_normals_point_outward(invert):
    points, normals = sample_surface(two_boxes(invert), 4000, rng=stable_rng(2))
    assert points.shape == normals.shape == (4000, 3)
    distance = np.abs(points) - (0.5, 0.25, 0.25)
    assert np.abs(distance.max(axis=1)).max() < 1e-5  # on the hull, none inside
    assert ((points * normals).sum(axis=1) > 0).all()
    assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)


def test_surface_points_are_uniform_by_area():
    mesh = merged(trimesh.creation.box((1, 0.5, 0.25)))
    points, normals = sample_surface(mesh, 20_000, rng=stable_rng(3))
    areas = np.array([0.5 * 0.25, 1 * 0.25, 1 * 0.5])
    for axis, expected in enumerate(areas / areas.sum()):
        share = (np.abs(normals[:, axis]) > 0.5).mean()
        assert abs(share - expected) < 0.015
    assert np.abs(points.mean(axis=0)).max() < 0.01


def test_thin_sheets_keep_their_points():
    sheet = MeshData(
        [[-0.5, 0, -0.5], [0.5, 0, -0.5], [0.5, 0, 0.5], [-0.5, 0, 0.5]],
        [[0, 1, 2], [0, 2, 3]],
    )
    points, normals = sample_surface(sheet, 500, rng=stable_rng(4))
    assert len(points) == 500 and np.abs(points[:, 1]).max() == 0
    assert (np.abs(normals[:, 1]) == 1).all()


def test_an_inner_part_is_hidden():
    inner = trimesh.creation.icosphere(radius=0.2)
    mesh = merged(trimesh.creation.box((1, 1, 1)), inner)
    points, _ = sample_surface(mesh, 3000, rng=stable_rng(5))
    assert np.abs(points).max(axis=1).min() == pytest.approx(0.5, abs=1e-6)


def test_hidden_surface_counts_by_area():
    mesh = merged(
        trimesh.creation.box(extents=[1, 1, 1]),
        trimesh.creation.box(extents=[0.5, 0.5, 0.5]),
    )
    points, normals = sample_surface(mesh, 5000, rng=stable_rng(6), hidden=True)
    inner = np.abs(points).max(axis=1) < 0.3
    assert inner.mean() == pytest.approx(0.2, abs=0.02)  # 1.5 of 7.5
    outward = (points * normals).sum(axis=1)
    np.testing.assert_allclose(outward, np.where(inner, 0.25, 0.5), atol=1e-6)
