# SPDX-License-Identifier: Apache-2.0
"""The occupancy program's voxel helpers: surface, filled, and by jittered centres."""

import numpy as np
import pytest
import torch

from svr3d.ops import points_in_mesh, voxelize_meshes

SIDE = 16


@pytest.fixture
def case(golden, golden_dir):
    given, expected = golden.load(golden_dir / "occnet" / "voxels")
    mesh = torch.from_numpy(given["vertices"]), torch.from_numpy(given["faces"])
    return mesh, expected


def test_surface(case):
    (vertices, faces), expected = case
    grid = voxelize_meshes(vertices, faces, SIDE, mode="surface")
    np.testing.assert_array_equal(grid, expected["surface16"])


@pytest.mark.parametrize("name", ["fill16", "ray16_seed11"])
def test_solid(case, name):
    (vertices, faces), expected = case
    grid = voxelize_meshes(vertices, faces, SIDE, mode="solid")
    np.testing.assert_array_equal(grid, expected[name])


def test_interior_at_jittered_centres(case):
    (vertices, faces), expected = case
    centres = np.indices((SIDE,) * 3).reshape(3, -1).T + 0.5
    jitter = 0.1 * (np.random.RandomState(11).rand(*centres.shape) - 0.5)
    places = torch.from_numpy((centres + jitter) / SIDE - 0.5)
    for rule in ("hash", "parity"):
        inside = points_in_mesh(vertices, faces, places, rule=rule)
        grid = inside.reshape((SIDE,) * 3)
        np.testing.assert_array_equal(grid, expected["interior16_seed11"])
