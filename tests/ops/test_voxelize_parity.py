# SPDX-License-Identifier: Apache-2.0
"""Solid voxels by the parity of crossings."""

import pytest
import torch
from shapes import cube, merge, soup, sphere

from svr3d.ops import voxelize_meshes
from svr3d.ops._torch.voxelize_parity import voxelize_parity_torch


def parity(mesh, resolution):
    return voxelize_meshes(*mesh, resolution, mode="parity")


def lattice(count: int = 24):
    """A closed, bumpy box whose corners lie on centres, borders and between them."""
    vertices, faces = cube(0.75)
    for _ in range(2):
        a, b, c = vertices[faces].unbind(1)
        corners = torch.stack((a, b, c, (a + b) / 2, (b + c) / 2, (c + a) / 2), 1)
        split = [[0, 3, 5], [3, 1, 4], [5, 4, 2], [3, 4, 5]]
        vertices = corners[:, split].reshape(-1, 3)
        faces = torch.arange(len(vertices)).reshape(-1, 3)
    bumps = (vertices * 7).sin().roll(1, 1) * 0.1
    return ((vertices + bumps) * count).round() / count, faces


@pytest.mark.parametrize("resolution", [1, 5, 32, 64, 100])
def test_watertight_meshes_equal_the_general_rule(compiled, resolution):
    shift = torch.tensor([0.0113, 0.0071, 0.0137])  # no centre lies on the surface
    vertices, faces = sphere(0.43, 20)
    mesh = (vertices + shift, faces)
    expected = voxelize_meshes(*mesh, resolution, mode="inside")
    assert torch.equal(parity(mesh, resolution), expected)


@pytest.mark.parametrize("resolution", [12, 24, 48, 65])
def test_ties_leave_no_open_column(kernels, resolution):
    """Corners and edges on the centres' lines: each column is crossed evenly often."""
    vertices, faces = lattice()
    grid = parity((vertices, faces), resolution)
    assert grid.sum() > 0.3 * 0.75**3 * resolution**3
    top = vertices[:, 2].max().item()
    above = torch.arange(resolution) > (top + 0.5) * resolution
    assert not grid[:, :, above].any()


@pytest.mark.parametrize("resolution", [1, 7, 32, 64, 70])
@pytest.mark.parametrize(
    "mesh",
    [soup(60, size=0.5), soup(30, 1, 3.0), sphere(0.4, 8), lattice(16), cube(0.5)],
)
def test_kernel_equals_twin(compiled, mesh, resolution):
    for dtype in (torch.float32, torch.float64):
        vertices = mesh[0].to(dtype)
        first = torch.tensor([0, len(mesh[1]) // 3, len(mesh[1])])
        found = torch.ops.svr3d.voxelize_parity(vertices, mesh[1], first, resolution)
        expected = voxelize_parity_torch(vertices, mesh[1], first, resolution)
        assert torch.equal(found, expected)


def test_overlaps_and_cavities_are_empty_and_order_does_not_matter(kernels):
    mesh = merge(cube(0.75), cube(0.25))
    grid = parity(mesh, 16)
    expected = torch.zeros(16, 16, 16, dtype=torch.uint8)
    expected[2:14, 2:14, 2:14] = 1
    expected[6:10, 6:10, 6:10] = 0
    assert torch.equal(grid, expected)
    inverted = mesh[1].flip(0)[:, [1, 0, 2]]
    assert torch.equal(parity((mesh[0], inverted), 16), expected)


def test_parts_outside_are_cut_off(kernels):
    vertices, faces = cube(0.5)
    below = parity((vertices - torch.tensor([0.0, 0, 0.5]), faces), 8)
    assert torch.equal(below.nonzero().amin(0), torch.tensor([2, 2, 0]))
    assert below.sum() == 4 * 4 * 2
    assert parity(cube(9.0), 8).all()
    assert not parity(cube(0.5, (3.0, 0, 0)), 8).any()
    assert not parity(cube(0.5, (0.0, 0, 2.0)), 8).any()


def test_threads_share_the_faces_without_a_trace(compiled, threads):
    vertices, faces = sphere(0.45, 110)  # enough faces for several threads
    pair = torch.stack((vertices, vertices * 0.7))
    results = []
    for count in (1, 2, 3):
        threads(count)
        grid = voxelize_meshes(pair, faces, 32, mode="parity")
        results.append((parity((vertices, faces), 32), grid))
    for single, batch in results:
        assert torch.equal(single, results[0][0])
        assert torch.equal(batch, results[0][1])
        assert torch.equal(batch[0], single)


def test_huge_coordinates_return(compiled):
    vertices = torch.tensor([[-1.0, 0, 0], [1, 1, 0], [0, -1, 1]]).double() * 1e300
    grid = parity((vertices, torch.tensor([[0, 1, 2]])), 8)
    assert grid.shape == (8, 8, 8)


def test_registration_and_compilation(compiled):
    vertices, faces = cube(0.6)
    op = torch.ops.svr3d.voxelize_parity
    torch.library.opcheck(op, (vertices, faces, None, 8))
    torch.library.opcheck(op, (vertices, faces, torch.tensor([0, 5, 12]), 8))

    def run(vertices, faces):
        return voxelize_meshes(vertices, faces, 8, mode="parity")

    graph = torch.compile(run, fullgraph=True, backend="aot_eager")
    assert torch.equal(graph(vertices, faces), run(vertices, faces))


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_the_kernels_own_checks_end_in_named_errors(compiled, dtype):
    vertices, faces = cube(0.6)
    faces = faces.to(dtype)
    with pytest.raises(ValueError, match="faces: .*0 to 7.*found 8"):
        parity((vertices, faces + 1), 8)
    with pytest.raises(ValueError, match="faces: .*found -1"):
        parity((vertices, faces - 1), 8)
    broken = vertices.clone()
    broken[3, 2] = torch.nan
    with pytest.raises(ValueError, match="vertices: .*1 of 8 rows, first in row 3"):
        parity((broken, faces), 8)
    with pytest.raises(RuntimeError, match="first_face must rise"):
        torch.ops.svr3d.voxelize_parity(vertices, faces, torch.tensor([0, 13]), 8)
