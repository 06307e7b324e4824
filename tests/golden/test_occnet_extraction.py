# SPDX-License-Identifier: Apache-2.0
"""Surfaces of occupancy fields against the published program's."""

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from svr3d.structures import simplify_mesh
from svr3d.structures.mesh_extraction import corner_surface, threshold_logit


@pytest.fixture
def case(request, golden, golden_dir):
    return golden.load(golden_dir / "occnet" / request.param)


def volume_of(vertices, faces):
    a, b, c = vertices[faces].unbind(1)
    return float((a * torch.linalg.cross(b, c)).sum() / 6)


def area_of(vertices, faces):
    a, b, c = vertices[faces].unbind(1)
    return float(torch.linalg.cross(b - a, c - a).norm(dim=1).sum() / 2)


def assert_same_surface(vertices, faces, expected, triangles, tolerance):
    """Vertices as a set, faces as a set up to rotation."""
    assert vertices.shape == expected.shape and faces.shape == triangles.shape
    distance, place = cKDTree(expected).query(vertices.numpy())
    assert distance.max() <= tolerance
    assert len(np.unique(place)) == len(expected)

    def rotated(rows):
        return {tuple(np.roll(row, -row.argmin())) for row in rows}

    assert rotated(place[faces.numpy()]) == rotated(triangles)


@pytest.mark.parametrize("case", ["extract_mesh"], indirect=True)
def test_extract_mesh(case):
    given, expected = case
    grid = torch.from_numpy(given["occ_hat"]).double()
    level = threshold_logit(float(given["threshold"]))
    vertices, faces = corner_surface(grid, level, 1.1)
    assert_same_surface(vertices, faces, expected["vertices"], expected["faces"], 1e-6)
    assert volume_of(vertices, faces) == pytest.approx(float(expected["volume"]))
    assert area_of(vertices, faces) == pytest.approx(float(expected["area"]))


@pytest.mark.parametrize("case", ["simplify_torus"], indirect=True)
def test_simplify_torus(case):
    pytest.importorskip("fast_simplification")
    given, expected = case
    vertices, faces = simplify_mesh(
        torch.from_numpy(given["vertices"]),
        torch.from_numpy(given["faces"]),
        int(given["f_target"]),
        aggressiveness=float(given["agressiveness"]),
    )
    assert len(faces) <= int(given["f_target"]) + 1
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    assert (edges.sort(1).values.unique(dim=0, return_counts=True)[1] == 2).all()
    assert volume_of(vertices, faces) == pytest.approx(
        float(expected["volume"]), rel=0.02
    )
    assert area_of(vertices, faces) == pytest.approx(float(expected["area"]), rel=0.02)
