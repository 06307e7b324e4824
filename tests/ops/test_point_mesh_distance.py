# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from shapes import cube, random_points, soup, sphere

from svr3d.ops import point_mesh_distance
from svr3d.ops._torch.point_mesh_distance import point_mesh_distance_torch


def degenerate() -> tuple[torch.Tensor, torch.Tensor]:
    """Points, segments, needles and caps beside plain triangles."""
    vertices, faces = soup(30)
    line = vertices.clone()
    line[2::3] = line[0::3] + 0.3 * (line[1::3] - line[0::3])  # no area
    line[2::3] += 1e-7 * torch.rand(30, 3).double() * (torch.arange(30) % 2)[:, None]
    point = vertices[::3].repeat_interleave(3, 0)
    both = torch.cat((vertices, line, point))
    return both, torch.arange(len(both)).reshape(-1, 3)


MESHES = {
    "cube": cube(),
    "sphere": sphere(0.5, 12),
    "soup": soup(77),
    "one": soup(1),
    "degenerate": degenerate(),
    "twice": (cube()[0], cube()[1].repeat(3, 1)),
}


def test_distances_to_a_cube_in_closed_form(kernels):
    vertices, faces = cube(2.0)
    points = random_points(500, reach=2.5)
    found = point_mesh_distance(points, vertices, faces)
    beyond = points.abs() - 1
    outside = beyond.clamp_min(0).square().sum(1)
    expected = torch.where((beyond < 0).all(1), beyond.amax(1).square(), outside)
    torch.testing.assert_close(found.squared_distances, expected, atol=1e-13, rtol=0)
    nearest = points.clamp(-1, 1)[outside > 0]
    torch.testing.assert_close(found.closest[outside > 0], nearest)


def test_corners_edges_and_insides_of_one_triangle(kernels):
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    cases = {
        (0.2, 0.3, 0.5): ((0.5, 0.2, 0.3), 0.25),
        (-1, -1, 0): ((1, 0, 0), 2),
        (2, -0.5, 0): ((0, 1, 0), 1.25),
        (0, 3, 1): ((0, 0, 1), 5),
        (0.25, -1, 1): ((0.75, 0.25, 0), 2),
        (-2, 0.5, 0): ((0.5, 0, 0.5), 4),
        (1, 1, 0): ((0, 0.5, 0.5), 0.5),
    }
    points = torch.tensor(list(cases), dtype=torch.float32)
    found = point_mesh_distance(points, vertices, torch.tensor([[0, 1, 2]]))
    weights, squares = zip(*cases.values(), strict=True)
    torch.testing.assert_close(found.barycentric, torch.tensor(weights).float())
    torch.testing.assert_close(found.squared_distances, torch.tensor(squares).float())
    assert found.closest.dtype == torch.float32


@pytest.mark.parametrize("mesh", MESHES)
@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e20])
def test_kernel_equals_twin(compiled, mesh, scale):
    vertices, faces = MESHES[mesh]
    on_surface = vertices[faces].mean(1)
    points = torch.cat((random_points(400), on_surface, vertices[:20])) * scale
    found = point_mesh_distance(points, vertices * scale, faces)
    from svr3d.ops.point_mesh_distance import _normalized

    arguments = *_normalized(points, vertices * scale), faces
    index, weights = point_mesh_distance_torch(*arguments)
    assert torch.equal(found.face_index, index)
    assert torch.equal(found.barycentric, weights)


@pytest.mark.parametrize("mesh", MESHES)
def test_nothing_is_nearer_and_the_place_is_in_the_face(kernels, mesh):
    vertices, faces = MESHES[mesh]
    points = random_points(60)
    found = point_mesh_distance(points, vertices, faces)
    share = torch.rand(40, 3).double()
    share = share / share.sum(1, keepdim=True)
    everywhere = torch.einsum("sc,fcx->fsx", share, vertices[faces]).reshape(-1, 3)
    drawn = torch.cat((everywhere, vertices[faces.unique()]))
    least = torch.cdist(points, drawn).square().amin(1)
    assert (found.squared_distances <= least + 1e-9).all()
    assert (found.barycentric > -1e-12).all()
    rebuilt = (vertices[faces[found.face_index]] * found.barycentric[..., None]).sum(1)
    torch.testing.assert_close(found.closest, rebuilt, atol=1e-12, rtol=0)
    distance = (points - found.closest).square().sum(1)
    torch.testing.assert_close(found.squared_distances, distance)


def test_equals_trimesh():
    triangles = pytest.importorskip("trimesh.triangles")
    vertices, faces = sphere(0.5, 8)
    points = random_points(100)
    pairs = vertices[faces].repeat(len(points), 1, 1).numpy()
    each = points.repeat_interleave(len(faces), 0)
    closest = torch.from_numpy(triangles.closest_point(pairs, each.numpy()))
    squares = (closest - each).square().sum(1).reshape(len(points), -1)
    found = point_mesh_distance(points, vertices, faces)
    torch.testing.assert_close(found.squared_distances, squares.amin(1))
    nearest = closest.reshape(len(points), -1, 3)[torch.arange(100), squares.argmin(1)]
    torch.testing.assert_close(found.closest, nearest, atol=1e-9, rtol=0)


def test_of_equally_near_faces_the_first_counts(kernels):
    vertices, faces = cube()
    points = random_points(300)
    once = point_mesh_distance(points, vertices, faces)
    again = point_mesh_distance(points, vertices, faces.repeat(5, 1))
    assert torch.equal(once.face_index, again.face_index)


def test_a_point_does_not_depend_on_the_others(compiled, threads):
    vertices, faces = sphere(0.5, 30)
    points = random_points(3000)
    results = []
    for count in (1, 2, 5):
        threads(count)
        results.append(point_mesh_distance(points, vertices, faces))
    for other in results[1:]:
        assert all(map(torch.equal, results[0], other))
    few = point_mesh_distance(points[100:120], vertices, faces)
    assert torch.equal(few.face_index, results[0].face_index[100:120])


def test_gradients(kernels):
    vertices, faces = soup(9)
    points = random_points(12).requires_grad_()
    vertices.requires_grad_()

    def squares(points, vertices):
        return point_mesh_distance(points, vertices, faces).squared_distances

    assert torch.autograd.gradcheck(squares, (points, vertices))
    on_surface = vertices[faces].mean(1).detach().requires_grad_()
    squares(on_surface, vertices).sum().backward()
    assert on_surface.grad.abs().max() < 1e-12


def test_dtypes_strides_and_nothing(kernels):
    vertices, faces = cube()
    points = random_points(50)
    exact = point_mesh_distance(points.half().double(), vertices, faces)
    half = point_mesh_distance(points.half(), vertices.half(), faces.int())
    assert half.squared_distances.dtype == torch.float16
    expected = exact.squared_distances.half()
    torch.testing.assert_close(half.squared_distances, expected)
    view = points.T.contiguous().T
    found = point_mesh_distance(view, vertices.T.contiguous().T, faces)
    plain = point_mesh_distance(points, vertices, faces)
    assert all(map(torch.equal, found, plain))
    nothing = point_mesh_distance(points[:0], vertices, faces)
    assert [part.shape for part in nothing] == [(0,), (0,), (0, 3), (0, 3)]
    nobody = point_mesh_distance(points[:0], vertices[:0], faces[:0])
    assert nobody.closest.shape == (0, 3)


def test_far_from_the_origin_nothing_is_lost(kernels):
    vertices, faces = cube()
    points = random_points(100)
    near = point_mesh_distance(points, vertices, faces).squared_distances
    far = point_mesh_distance(points + 1000, vertices + 1000, faces)
    torch.testing.assert_close(far.squared_distances, near, atol=1e-10, rtol=0)


def test_schema_and_compilation(compiled):
    vertices, faces = cube()
    points = random_points(20)
    torch.library.opcheck(
        torch.ops.svr3d.point_mesh_distance, (points, vertices, faces)
    )
    run = torch.compile(point_mesh_distance, fullgraph=True, backend="aot_eager")
    expected = point_mesh_distance(points, vertices, faces)
    assert torch.equal(run(points, vertices, faces).face_index, expected.face_index)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"points": torch.zeros(4, 2)}, ValueError, r"points: .*\(N, 3\)"),
        ({"points": torch.zeros(4, 3)}, TypeError, "vertices: .*float32 like points"),
        ({"vertices": torch.full((8, 3), torch.nan)}, ValueError, "vertices: .*finite"),
        ({"faces": torch.tensor([[0, 1, 8]])}, ValueError, "faces: .*0 to 7.*found 8"),
        ({"faces": torch.empty(0, 3).long()}, ValueError, "faces: .*at least one"),
        ({"faces": torch.zeros(2, 3)}, TypeError, "faces: .*int64"),
    ],
)
def test_errors_name_argument_expected_and_found(change, error, message):
    vertices, faces = cube()
    arguments = {"points": random_points(2), "vertices": vertices, "faces": faces}
    with pytest.raises(error, match=message):
        point_mesh_distance(**(arguments | change))


def test_direct_calls_are_checked_too(compiled):
    vertices, faces = cube()
    op = torch.ops.svr3d.point_mesh_distance
    with pytest.raises(RuntimeError, match="faces must index vertices 0 to 7"):
        op(random_points(2), vertices, faces + 1)
    with pytest.raises(RuntimeError, match="faces must hold at least one face"):
        op(random_points(2), vertices, faces[:0])
    with pytest.raises(RuntimeError, match="points must have dtype Double"):
        op(random_points(2).float(), vertices, faces)
