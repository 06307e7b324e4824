# SPDX-License-Identifier: Apache-2.0
"""Voxelisation, inside tests and winding numbers: both devices give the same."""

import pytest
import torch
from shapes import cube, merge, random_points, soup, sphere

from svr3d.ops import _library, points_in_mesh, voxelize_meshes, winding_number

MESHES = [soup(60, size=0.5), sphere(0.4, 12), merge(cube(0.5), sphere(0.45, 7))]

pytestmark = pytest.mark.skipif(
    not (torch.cuda.is_available() and _library.build_info()["cuda"]),
    reason="needs a CUDA device and an extension with CUDA kernels",
)


@pytest.mark.parametrize("mesh", MESHES)
@pytest.mark.parametrize("mode", ["parity", "surface"])
@pytest.mark.parametrize("resolution", [7, 64, 70])
def test_grids(mesh, mode, resolution):
    for dtype in (torch.float32, torch.float64):
        vertices, faces = mesh[0].to(dtype), mesh[1]
        expected = voxelize_meshes(vertices, faces, resolution, mode=mode)
        found = voxelize_meshes(vertices.cuda(), faces.cuda(), resolution, mode=mode)
        assert torch.equal(found.cpu(), expected)


def test_batches():
    vertices, faces = ([mesh[i] for mesh in MESHES] for i in (0, 1))
    on_device = ([part.cuda() for part in parts] for parts in (vertices, faces))
    found = voxelize_meshes(*on_device, 16, mode="parity")
    expected = voxelize_meshes(vertices, faces, 16, mode="parity")
    assert torch.equal(found.cpu(), expected)


@pytest.mark.parametrize("mesh", MESHES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_points(mesh, dtype):
    vertices, faces, points = mesh[0].to(dtype), mesh[1], random_points(900).to(dtype)
    found = points_in_mesh(vertices.cuda(), faces.cuda(), points.cuda())
    assert torch.equal(found.cpu(), points_in_mesh(vertices, faces, points))


@pytest.mark.parametrize("mesh", MESHES)
def test_winding_numbers(mesh):
    points = random_points(900)
    on_device = [part.cuda() for part in (*mesh, points)]
    expected = winding_number(*mesh, points, exact=True)
    found = winding_number(*on_device).cpu()
    torch.testing.assert_close(found, expected, atol=1e-11, rtol=0)
