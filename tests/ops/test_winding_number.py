# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from shapes import cube, merge, random_points, soup, sphere

from svr3d.ops import _library, winding_number
from svr3d.ops._torch.winding_number import winding_number_torch


@pytest.mark.parametrize("exact", [True, False])
def test_sphere_is_one_inside_and_zero_outside(kernels, exact):
    vertices, faces = sphere(0.5, rings=24)
    points = random_points(400, reach=0.7)
    radius = points.norm(dim=1)
    clear = (radius - 0.5).abs() > 0.01
    expected = (radius < 0.5).double()
    found = winding_number(vertices, faces, points, exact=exact)
    tolerance = 1e-12 if exact else 2e-3
    torch.testing.assert_close(found[clear], expected[clear], atol=tolerance, rtol=0)


def test_square_subtends_a_sixth_of_the_sphere(kernels):
    """From a cube's centre each side fills one sixth of the view."""
    vertices, faces = cube(1.0)
    centre = torch.zeros(1, 3, dtype=torch.float64)
    one_side = faces[[0, 6]]
    found = winding_number(vertices, one_side, centre, exact=True)
    assert found.item() == pytest.approx(1 / 6, abs=1e-12)
    inverted = winding_number(vertices, one_side[:, [0, 2, 1]], centre, exact=True)
    assert inverted.item() == pytest.approx(-1 / 6, abs=1e-12)


def test_nested_shells_add_up(kernels):
    mesh = merge(sphere(0.5), sphere(0.25))
    points = torch.tensor([[0.0, 0.01, 0.02], [0.37, 0.02, 0.01], [0.6, 0, 0.01]])
    found = winding_number(*mesh, points)
    torch.testing.assert_close(found, torch.tensor([2.0, 1, 0]), atol=4e-3, rtol=0)


@pytest.mark.parametrize("mesh", [soup(60), sphere(0.4, 12), cube(0.7)])
def test_kernel_equals_twin(compiled, mesh):
    points = random_points(333)
    expected = winding_number_torch(*mesh, points)
    exact = winding_number(*mesh, points, exact=True)
    torch.testing.assert_close(exact, expected, atol=1e-12, rtol=0)
    fast = winding_number(*mesh, points)
    error = (fast - expected).abs()
    assert error.max() < 2e-3
    assert error.mean() < 4e-4


def test_larger_beta_is_more_accurate(compiled):
    mesh = soup(300, size=0.05)
    points = random_points(2000)
    exact = winding_number(*mesh, points, exact=True)
    errors = [
        (winding_number(*mesh, points, beta=beta) - exact).abs().mean()
        for beta in (1.2, 2.0, 4.0)
    ]
    assert errors[0] > 4 * errors[1] > 16 * errors[2]


def test_position_and_scale_do_not_matter(compiled):
    """Single precision inside must not show far from the origin."""
    vertices, faces = soup(50)
    points = random_points(200)
    shift = torch.tensor([1e4, -2e4, 3e4], dtype=torch.float64)
    expected = winding_number(vertices, faces, points)
    found = winding_number(vertices * 100 + shift, faces, points * 100 + shift)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_faces_without_area_do_not_count(kernels):
    vertices, faces = cube(1.0)
    degenerate = torch.tensor([[0, 0, 1], [3, 3, 3], [2, 5, 2]])
    line = torch.tensor([[0.0, 0, 0], [1, 1, 1], [2, 2, 2]], dtype=torch.float64)
    all_faces = torch.cat((faces, degenerate, torch.tensor([[8, 9, 10]])))
    points = torch.cat((random_points(20), torch.full((1, 3), 0.3).double()))
    found = winding_number(torch.cat((vertices, line)), all_faces, points, exact=True)
    expected = winding_number(vertices, faces, points, exact=True)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_follows_points_and_strides_do_not_matter(kernels, dtype):
    vertices, faces = cube(1.0)
    points = random_points(40).to(dtype)
    strided = torch.empty(3, 40, dtype=dtype).T.copy_(points)
    found = winding_number(vertices.to(dtype), faces, strided)
    assert found.dtype == dtype
    torch.testing.assert_close(found, winding_number(vertices, faces, points))


def test_empty_inputs(kernels):
    vertices, faces = cube()
    assert winding_number(vertices, faces, torch.empty(0, 3)).shape == (0,)
    points = random_points(5)
    assert not winding_number(vertices, faces[:0], points).any()
    assert not winding_number(torch.empty(0, 3), faces[:0], points).any()


@pytest.mark.parametrize("removed", [0, 9, 700])
def test_threads_do_not_change_a_bit(compiled, threads, removed):
    vertices, faces = sphere(0.45, 60)  # 14,160 faces
    mesh = (vertices, faces[removed:]) if removed < 100 else soup(9000, size=0.05)
    points = random_points(20000)
    results = []
    for count in (1, 2, 5):
        threads(count)
        results.append(winding_number(*mesh, points))
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


def test_operator_registration(compiled):
    vertices, faces = cube()
    for exact in (False, True):
        torch.library.opcheck(
            torch.ops.svr3d.winding_number,
            (vertices, faces, random_points(20), 2.0, exact),
        )


def test_compiles_into_one_graph(compiled):
    vertices, faces = cube()
    points = random_points(30)
    run = torch.compile(winding_number, fullgraph=True, backend="eager")
    assert torch.equal(run(vertices, faces, points), winding_number(*cube(), points))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"vertices": torch.zeros(4, 2)},
            ValueError,
            r"vertices: .*\(N, 3\).*\(4, 2\)",
        ),
        ({"vertices": torch.full((8, 3), torch.nan)}, ValueError, "vertices: .*8 of 8"),
        ({"points": torch.zeros(2, 3).long()}, TypeError, "points: .*floating"),
        ({"points": [[0.0, 0, 0]]}, TypeError, "points: .*Tensor.*list"),
        ({"faces": torch.tensor([[0, 1, 8]])}, ValueError, "faces: .*0 to 7.*found 8"),
        ({"faces": torch.tensor([[0, -1, 2]])}, ValueError, "faces: .*found -1"),
        ({"faces": torch.zeros(2, 3)}, TypeError, "faces: .*int64"),
        ({"beta": 0.5}, ValueError, "beta: .*found 0.5"),
    ],
)
def test_errors_name_argument_expected_and_found(change, error, message):
    vertices, faces = cube()
    arguments = {"vertices": vertices, "faces": faces, "points": random_points(2)}
    with pytest.raises(error, match=message):
        winding_number(**(arguments | change))


def test_direct_calls_are_checked_too(compiled):
    vertices, faces = cube()
    points = random_points(3)
    op = torch.ops.svr3d.winding_number
    with pytest.raises(RuntimeError, match=r"points must have shape \(\*, 3\)"):
        op(vertices, faces, points[:, :2], 2.0, False)
    with pytest.raises(RuntimeError, match="faces must index vertices 0 to 7"):
        op(vertices, faces + 3, points, 2.0, False)
    with pytest.raises(RuntimeError, match="vertices must have dtype Double"):
        op(vertices.float(), faces, points, 2.0, False)


def test_missing_extension_warns_once(monkeypatch):
    monkeypatch.setattr(_library, "load", lambda: False)
    monkeypatch.setitem(_library._state, "path", None)
    monkeypatch.setitem(_library._state, "warned", False)
    with pytest.warns(RuntimeWarning, match="pure-torch twins") as caught:
        winding_number(*cube(), random_points(3))
        winding_number(*cube(), random_points(3))
    assert len(caught) == 1


def test_closed_meshes_are_exact(compiled):
    """Whole numbers: also for nested, inverted and self-overlapping parts."""
    first, (vertices, faces) = sphere(0.5, 12), cube(0.5, (0.2, 0.1, 0))
    mesh = merge(first, (vertices, faces[:, [0, 2, 1]]), cube(0.4, (-0.2, 0, 0)))
    points = random_points(400)
    expected = winding_number(*mesh, points, exact=True)
    assert expected.round().unique().tolist() == [-1, 0, 1, 2]
    assert torch.equal(winding_number(*mesh, points), expected.round())
    torch.testing.assert_close(expected, expected.round(), atol=1e-9, rtol=0)


def holed(mesh, keep):
    vertices, faces = mesh
    return vertices, faces[keep]


def random_holes(share: float):
    mesh = sphere(0.45, 40)
    generator = torch.Generator().manual_seed(0)
    return holed(mesh, torch.rand(len(mesh[1]), generator=generator) > share)


@pytest.mark.parametrize(
    "mesh",
    [
        holed(sphere(0.45, 40), slice(200, None)),
        holed(sphere(0.45, 40), slice(0, 1600)),
        random_holes(0.02),
        random_holes(0.2),
        holed(merge(sphere(0.4, 30), sphere(0.2, 30)), slice(100, -100)),
        # Doubled, with one sheet turned round: boundaries that are used twice.
        merge(holed(sphere(0.45, 20), slice(50, None)), sphere(0.45, 20)),
    ],
)
def test_open_meshes_equal_the_sum_over_faces(compiled, mesh):
    points = random_points(3000)
    exact = winding_number(*mesh, points, exact=True)
    error = (winding_number(*mesh, points) - exact).abs()
    assert error.max() < 2e-3
    assert error.mean() < 4e-4


def test_points_in_the_plane_of_a_flat_opening_see_no_step(compiled):
    vertices, faces = cube(1.0)
    # Split each side once more, so that few edges are open beside the faces.
    for _ in range(3):
        corners = vertices[faces]
        middle = (corners + corners.roll(-1, 1)) / 2
        count = len(vertices) + torch.arange(3 * len(faces)).reshape(-1, 3)
        a, b, c = faces.T
        x, y, z = count.T
        vertices = torch.cat([vertices, middle.reshape(-1, 3)])
        parts = [(a, x, z), (x, b, y), (z, y, c), (x, y, z)]
        faces = torch.cat([torch.stack(part, 1) for part in parts])
    vertices, index = vertices.unique(dim=0, return_inverse=True)
    faces = index[faces]
    floor = (vertices[faces][..., 1] == -0.5).all(1)
    assert floor.sum() == 2 * 64
    faces = faces[~floor]
    axis = torch.linspace(-0.45, 0.45, 13, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, torch.tensor([-0.5], dtype=torch.float64), axis)
    near = torch.cat([grid, grid + 1e-9, grid - 1e-8, grid * torch.tensor([1, 0.9, 1])])
    exact = winding_number(vertices, faces, near, exact=True)
    found = winding_number(vertices, faces, near)
    torch.testing.assert_close(found, exact, atol=2e-3, rtol=0)
    assert found.min() > 0.3 and found.max() < 1


def test_boundaries_that_cancel_only_by_position_are_open(compiled):
    """Unmerged corners: the expansion serves, and its error stays small."""
    vertices, faces = sphere(0.5, 12)
    points = random_points(400)
    apart = vertices[faces].reshape(-1, 3)
    found = winding_number(apart, torch.arange(len(apart)).reshape(-1, 3), points)
    expected = winding_number(vertices, faces, points)
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)
