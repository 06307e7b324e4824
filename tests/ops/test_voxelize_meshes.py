# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from shapes import cube, merge, random_points, soup, sphere

from svr3d.ops import points_inside, voxelize_meshes
from svr3d.ops._torch.voxelize_surface import voxelize_surface_torch


def test_sphere_volume(compiled):
    resolution = 64
    mesh = sphere(0.45, rings=40)
    inside = voxelize_meshes(*mesh, resolution, mode="inside")
    volume = inside.sum().item() / resolution**3
    assert volume == pytest.approx(4 / 3 * torch.pi * 0.45**3, rel=0.01)
    surface = voxelize_meshes(*mesh, resolution, mode="surface")
    solid = voxelize_meshes(*mesh, resolution)
    assert torch.equal(solid, inside | surface)
    assert inside.sum() < solid.sum()


def inner_cells(mesh, resolution):
    """The general rule, asked about every centre as about any other point."""
    axis = (torch.arange(resolution).double() + 0.5) / resolution - 0.5
    inside = points_inside(*mesh, torch.cartesian_prod(axis, axis, axis))
    return inside.reshape((resolution,) * 3).byte()


def lidless(side, centre=(0.0, 0.0, 0.0)):
    vertices, faces = cube(side, centre)
    top = (vertices[faces][:, :, 1] > centre[1]).all(1)
    return vertices, faces[~top]


def inverted(mesh):
    return mesh[0], mesh[1][:, [0, 2, 1]]


OFF = (0.013, -0.021, 0.017)  # no centre lies on a surface
PARTS = {
    "closed": [sphere(0.4, 9)],
    "inverted": [inverted(cube(0.7, OFF))],
    "overlapping": [cube(0.5, OFF), inverted(cube(0.6, (0.14, 0.11, -0.09)))],
    "nested": [cube(0.9, OFF), cube(0.3, (0.03, 0.02, -0.01))],
    "open": [lidless(0.7, OFF)],
    "two open": [lidless(0.5, (-0.2, 0.01, 0.03)), lidless(0.4, (0.21, 0.02, -0.1))],
    "open and closed": [lidless(0.5, (-0.2, 0.01, 0.03)), cube(0.4, (0.11, 0.02, 0.1))],
    "soup": [soup(40, size=0.4)],
    "soup in a ball": [soup(20, 1), sphere(0.3, 8)],
    "beyond the grid": [cube(0.7, (0.31, 0.33, -0.37)), cube(0.6, (-0.3, -0.4, 0.47))],
}


@pytest.mark.parametrize("resolution", [1, 9, 32])
@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS.keys())
def test_inside_equals_the_rule_of_points(compiled, parts, resolution):
    mesh = merge(*parts)
    found = voxelize_meshes(*mesh, resolution, mode="inside")
    assert torch.equal(found, inner_cells(mesh, resolution))


def test_inside_of_a_part_that_crosses_itself(compiled):
    """A figure of eight: one lobe winds around its cells the wrong way."""
    outline = torch.tensor(
        [[-0.4, -0.31], [0.4, 0.33], [0.41, -0.32], [-0.4, 0.3]], dtype=torch.float64
    )
    bottom = torch.cat((outline, torch.full((4, 1), -0.3).double()), 1)
    vertices = torch.cat((bottom, bottom * torch.tensor([1.0, 1, -1])))
    faces = [[0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7]]
    for i in range(4):
        j = (i + 1) % 4
        faces += [[i, j, 4 + j], [i, 4 + j, 4 + i]]
    mesh = (vertices, torch.tensor(faces))
    for extra in ([], [lidless(0.5, OFF)]):
        both = merge(mesh, *extra)
        found = voxelize_meshes(*both, 24, mode="inside")
        assert found.any()
        assert torch.equal(found, inner_cells(both, 24))


def test_cube_cells_in_order_x_y_z(kernels):
    """Sides through the middle of cells mark exactly those cells, axis by axis."""
    vertices, faces = cube(1.0)
    low = torch.tensor([-0.45, -0.25, -0.05])
    high = torch.tensor([-0.15, 0.35, 0.45])
    vertices = low + (vertices + 0.5) * (high - low)
    expected = torch.zeros(10, 10, 10, dtype=torch.uint8)
    expected[0:4, 2:9, 4:10] = 1
    assert torch.equal(voxelize_meshes(vertices, faces, 10), expected)
    hollow = expected.clone()
    hollow[1:3, 3:8, 5:9] = 0
    assert torch.equal(voxelize_meshes(vertices, faces, 10, mode="surface"), hollow)


def test_plane_on_a_border_touches_both_sides(kernels):
    vertices = torch.tensor([[0.0, -0.4, -0.4], [0, 0.4, -0.4], [0, 0, 0.4]])
    grid = voxelize_meshes(vertices, torch.tensor([[0, 1, 2]]), 8, mode="surface")
    assert torch.equal(grid[3], grid[4])
    assert grid[3].any()
    assert not grid[:3].any()
    assert not grid[5:].any()


def test_thin_sheet_misses_no_sampled_point(compiled):
    """Conservative: each point of each triangle lies in a marked cell."""
    vertices, faces = soup(50, size=0.4)
    grid = voxelize_meshes(vertices, faces, 32, mode="surface")
    weights = -random_points(2000, reach=0.5).add(0.5).log()
    weights = weights / weights.sum(1, keepdim=True)
    points = torch.einsum("pc,fck->fpk", weights, vertices[faces]).reshape(-1, 3)
    cells = ((points + 0.5) * 32).floor().long()
    cells = cells[((cells >= 0) & (cells < 32)).all(1)]
    assert grid[cells[:, 0], cells[:, 1], cells[:, 2]].all()


@pytest.mark.parametrize("resolution", [1, 7, 32])
@pytest.mark.parametrize("mesh", [soup(60, size=0.5), soup(30, 1, 3.0), sphere(0.4)])
def test_kernel_equals_twin(compiled, mesh, resolution):
    found = voxelize_meshes(*mesh, resolution, mode="surface")
    assert torch.equal(found, voxelize_surface_torch(*mesh, resolution))


def test_degenerate_faces_are_points_and_segments(kernels):
    vertices = torch.tensor([[-0.3, -0.3, -0.3], [0.3, -0.3, -0.3], [0.1, 0.2, 0.3]])
    faces = torch.tensor([[0, 1, 0], [2, 2, 2]])
    grid = voxelize_meshes(vertices, faces, 5, mode="surface")
    expected = torch.zeros(5, 5, 5, dtype=torch.uint8)
    expected[1:4, 0:2, 0:2] = 1  # the segment runs along the border of cells 0 and 1
    expected[0, 0:2, 0:2] = 1
    expected[4, 0:2, 0:2] = 1
    centre = voxelize_surface_torch(vertices.double(), faces, 5)
    assert torch.equal(grid, centre)
    assert grid[3, 3, 4] == 1  # (0.1, 0.2, 0.3): x on the border of cells 2 and 3
    assert not voxelize_meshes(vertices, faces, 5, mode="inside").any()


def test_what_lies_outside_is_cut_off(kernels):
    vertices, faces = cube(1.0, (3.0, 0.0, 0.0))
    assert not voxelize_meshes(vertices, faces, 8).any()
    large = voxelize_meshes(*cube(4.0), 8)
    assert large.all()
    assert not voxelize_meshes(*cube(4.0), 8, mode="surface").any()


def test_empty_mesh_gives_empty_grid(kernels):
    grid = voxelize_meshes(torch.empty(0, 3), torch.empty(0, 3).long(), 4)
    assert grid.shape == (4, 4, 4)
    assert grid.dtype == torch.uint8
    assert not grid.any()


def test_threads_do_not_change_a_bit(compiled, threads):
    results = []
    for count in (1, 3):
        threads(count)
        results.append(voxelize_meshes(*soup(100), 32))
    assert torch.equal(*results)


def test_operator_registration(compiled):
    torch.library.opcheck(torch.ops.svr3d.voxelize_surface, (*cube(), 8))
    packed = (*cube(), torch.tensor([0, 5, 12]), 8)
    torch.library.opcheck(torch.ops.svr3d.voxelize_inside, packed)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"resolution": 0}, ValueError, "resolution: expected 1 to 1024, found 0"),
        ({"resolution": 8.0}, TypeError, "resolution: expected an int, found float"),
        ({"mode": "full"}, ValueError, "mode: .*solid.*found 'full'"),
        ({"vertices": torch.full((8, 3), torch.inf)}, ValueError, "vertices: .*finite"),
        (
            {"faces": torch.zeros(1, 4).long()},
            ValueError,
            r"faces: .*\(F, 3\).*\(1, 4\)",
        ),
    ],
)
def test_errors_name_argument_expected_and_found(change, error, message):
    vertices, faces = cube()
    arguments = {"vertices": vertices, "faces": faces, "resolution": 4}
    with pytest.raises(error, match=message):
        voxelize_meshes(**(arguments | change))
