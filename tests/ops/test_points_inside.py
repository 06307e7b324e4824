# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from shapes import cube, merge, random_points, soup, sphere

from svr3d.ops import points_inside
from svr3d.ops._torch.points_inside import points_inside_torch


def within(points, low, high):
    return ((points > torch.tensor(low)) & (points < torch.tensor(high))).all(1)


def test_sphere_holds_its_share_of_the_volume(compiled):
    points = random_points(40000, reach=0.5)
    share = points_inside(*sphere(0.5, rings=40), points).double().mean()
    assert share.item() == pytest.approx(torch.pi / 6, abs=0.01)


@pytest.mark.parametrize("inverted", [False, True])
def test_cube_either_way_round(kernels, inverted):
    vertices, faces = cube(0.8)
    faces = faces[:, [0, 2, 1]] if inverted else faces
    points = random_points(300)
    expected = within(points, [-0.4] * 3, [0.4] * 3)
    assert torch.equal(points_inside(vertices, faces, points), expected)


def test_single_faces_the_wrong_way_round(kernels):
    """Half of the faces look inward, as careless exporters write them."""
    vertices, faces = cube(0.8)
    faces = faces.clone()
    faces[::2] = faces[::2][:, [0, 2, 1]]
    points = random_points(300)
    expected = within(points, [-0.4] * 3, [0.4] * 3)
    assert torch.equal(points_inside(vertices, faces, points), expected)


def test_overlapping_parts_do_not_cancel(kernels):
    """Ray parity alone would empty the overlap, here of an inverted part too."""
    first, (vertices, faces) = cube(0.6, (-0.1, 0, 0)), cube(0.6, (0.1, 0, 0))
    mesh = merge(first, (vertices, faces[:, [0, 2, 1]]))
    points = random_points(500)
    expected = within(points, [-0.4, -0.3, -0.3], [0.4, 0.3, 0.3])
    assert torch.equal(points_inside(*mesh, points), expected)


def test_parts_that_touch_along_an_edge_stay_apart(kernels):
    mesh = merge(cube(0.5, (-0.25, -0.25, 0)), cube(0.5, (0.25, 0.25, 0)))
    points = random_points(500)
    expected = within(points, [-0.5, -0.5, -0.25], [0, 0, 0.25])
    expected |= within(points, [0.0, 0.0, -0.25], [0.5, 0.5, 0.25])
    assert torch.equal(points_inside(*mesh, points), expected)


@pytest.mark.parametrize("inverted", [False, True])
def test_box_without_lid_is_filled_below_its_rim(kernels, inverted):
    vertices, faces = cube(0.8)
    top = (vertices[faces][:, :, 1] > 0).all(1)
    faces = faces[~top]
    faces = faces[:, [0, 2, 1]] if inverted else faces
    points = torch.tensor([[0, 0, 0], [0.1, -0.3, 0.2], [0.0, 0.6, 0], [0.5, 0, 0]])
    found = points_inside(vertices, faces, points)
    assert found.tolist() == [True, True, False, False]


def test_separate_walls_enclose_a_room(kernels):
    """Six quads that share no corner, hence six flat open parts."""
    vertices, faces = cube(0.8)
    walls = []
    for side in range(6):
        pair = faces[[side, side + 6]]
        corners, index = pair.unique(return_inverse=True)
        walls.append((vertices[corners] * (1 + 1e-4 * side), index.reshape(-1, 3)))
    points = random_points(300)
    points = points[((points.abs().amax(1) - 0.4).abs() > 0.02)]
    expected = within(points, [-0.4] * 3, [0.4] * 3)
    assert torch.equal(points_inside(*merge(*walls), points), expected)


def test_double_sided_shell_is_solid(kernels):
    """Each face once more the other way round: windings would cancel to zero."""
    vertices, faces = cube(0.8)
    faces = torch.cat((faces, faces[:, [0, 2, 1]]))
    points = random_points(300)
    expected = within(points, [-0.4] * 3, [0.4] * 3)
    assert torch.equal(points_inside(vertices, faces, points), expected)


def test_unmerged_corners_are_merged(kernels):
    """Flat-shaded exports repeat each corner per face."""
    vertices, faces = cube(0.8)
    unmerged = vertices[faces].reshape(-1, 3)
    flipped = torch.arange(36).reshape(-1, 3)
    flipped[::2] = flipped[::2][:, [0, 2, 1]]
    points = random_points(300)
    expected = within(points, [-0.4] * 3, [0.4] * 3)
    assert torch.equal(points_inside(unmerged, flipped, points), expected)


def test_one_sided_sheet_encloses_nothing(kernels):
    """A Moebius strip, which no orientation suits."""
    count = 24
    angle = torch.arange(count).double() * 2 * torch.pi / count
    reach = 0.4 + 0.1 * torch.tensor([[-1.0], [1.0]]) * torch.cos(angle / 2)
    height = 0.1 * torch.tensor([[-1.0], [1.0]]) * torch.sin(angle / 2)
    strip = torch.stack((reach * angle.cos(), height, reach * angle.sin()), -1)
    vertices = strip.reshape(-1, 3).double()
    faces = []
    for i in range(count):
        a, b = i, i + count
        c, d = (i + 1, i + 1 + count) if i + 1 < count else (count, 0)
        faces += [[a, b, d], [a, d, c]]
    points = random_points(200)
    found = points_inside(vertices, torch.tensor(faces), points)
    assert found.double().mean() < 0.02


@pytest.mark.parametrize(
    "mesh",
    [soup(40, seed=3), merge(soup(20), sphere(0.3, 8)), merge(cube(0.5), cube(0.7))],
)
def test_kernel_equals_twin(compiled, mesh):
    points = random_points(500)
    assert torch.equal(points_inside(*mesh, points), points_inside_torch(*mesh, points))


def test_real_meshes_equal_twin(compiled, shared_meshes):
    from svr3d.io.meshes import load_mesh

    for path in sorted(shared_meshes.rglob("*.glb"))[::60]:
        mesh = load_mesh(path)
        vertices, faces = torch.from_numpy(mesh.vertices), torch.from_numpy(mesh.faces)
        low, high = vertices.amin(0).double(), vertices.amax(0).double()
        points = random_points(100, reach=0.5) * (high - low) + (low + high) / 2
        twin = points_inside_torch(vertices.double(), faces, points)
        assert torch.equal(points_inside(vertices, faces, points), twin), path


def test_empty_inputs(kernels):
    vertices, faces = cube()
    assert points_inside(vertices, faces, torch.empty(0, 3)).shape == (0,)
    points = random_points(5)
    assert not points_inside(vertices, faces[:0], points).any()
    assert not points_inside(vertices, torch.tensor([[0, 0, 1]]), points).any()


@pytest.mark.parametrize(
    "mesh",
    [soup(200), sphere(0.45, 60), merge(sphere(0.45, 60), soup(6000, size=0.02))],
)
def test_threads_do_not_change_a_bit(compiled, threads, mesh):
    points = random_points(9000)
    results = []
    for count in (1, 3):
        threads(count)
        results.append(points_inside(*mesh, points))
    assert torch.equal(*results)


def test_operator_registration(compiled):
    arguments = (*cube(), random_points(20))
    torch.library.opcheck(torch.ops.svr3d.points_inside, arguments)


def test_errors_name_the_argument():
    vertices, faces = cube()
    broken = vertices.clone()
    broken[2, 1] = torch.inf
    with pytest.raises(ValueError, match="vertices: .*1 of 8 rows, first in row 2"):
        points_inside(broken, faces, random_points(2))
    with pytest.raises(ValueError, match=r"points: expected shape \(N, 3\)"):
        points_inside(vertices, faces, torch.zeros(3))
