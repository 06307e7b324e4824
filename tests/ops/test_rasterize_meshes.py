# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from shapes import cube, orbit, soup, sphere

from svr3d.ops import rasterize_meshes
from svr3d.ops._torch.rasterize_meshes import rasterize_meshes_torch

FACE = torch.tensor([[0, 1, 2]])


def frontal(size: int, focal: float):
    """One camera at the origin that looks along +z."""
    extrinsics = torch.eye(4)[None, :3]
    centre = size / 2
    intrinsics = torch.tensor([[[focal, 0, centre], [0, focal, centre], [0, 0, 1.0]]])
    return extrinsics, intrinsics


def test_tilted_triangle_has_the_plane_s_depth(kernels):
    """The plane z = 2 + 0.5 x + 0.25 y meets the ray (u, v, 1) z in closed form."""
    corners = torch.tensor([[-1.0, -1.0], [1.5, -0.8], [0.1, 1.2]]).double()
    depth = 2 + 0.5 * corners[:, 0] + 0.25 * corners[:, 1]
    vertices = torch.cat((corners, depth[:, None]), dim=1)
    extrinsics, intrinsics = frontal(32, 30.0)
    found = rasterize_meshes(
        vertices, FACE, extrinsics, intrinsics, height=32, width=32
    )
    hit = found.face_index[0] == 0
    assert 100 < hit.sum() < 1000
    row, column = hit.nonzero(as_tuple=True)
    u, v = (column + 0.5 - 16) / 30, (row + 0.5 - 16) / 30
    z = 2 / (1 - 0.5 * u - 0.25 * v)
    torch.testing.assert_close(found.depth[0, row, column], z.float())
    weights = found.barycentric[0, row, column]
    points = weights.double() @ vertices
    torch.testing.assert_close(points[:, 0], (u * z).double(), atol=1e-5, rtol=0)
    torch.testing.assert_close(points[:, 1], (v * z).double(), atol=1e-5, rtol=0)
    assert (found.depth[0][~hit] == 0).all()
    assert (found.barycentric[0][~hit] == 0).all()
    assert (found.face_index[0][~hit] == -1).all()


def test_pixel_centres_are_at_half_integers(kernels):
    """A rectangle from 2.4 to 5.6 covers the centres 2.5 to 5.5."""
    a, b = (2.4 - 4) / 8, (5.6 - 4) / 8
    vertices = torch.tensor([[a, a, 1.0], [b, a, 1], [b, b, 1], [a, b, 1]])
    faces = torch.tensor([[0, 2, 1], [0, 3, 2]])
    found = rasterize_meshes(vertices, faces, *frontal(8, 8.0), height=8, width=8)
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[2:6, 2:6] = True
    assert torch.equal(found.face_index[0] >= 0, expected)


def test_nearest_face_wins_and_ties_go_to_the_lower_index(kernels):
    triangle = torch.tensor([[-9.0, -9, 0], [9, -9, 0], [0, 18, 0]])
    layers = [triangle + torch.tensor([0, 0, z]) for z in (3.0, 2.0, 2.0, 5.0)]
    faces = torch.arange(12).reshape(4, 3)
    found = rasterize_meshes(
        torch.cat(layers), faces, *frontal(8, 8.0), height=8, width=8
    )
    assert (found.face_index == 1).all()
    assert (found.depth == 2).all()
    behind = rasterize_meshes(
        torch.cat(layers), faces, *frontal(8, 8.0), height=8, width=8, near=2.5
    )
    assert (behind.face_index == 0).all()
    nothing = rasterize_meshes(
        torch.cat(layers), faces, *frontal(8, 8.0), height=8, width=8, far=1.5
    )
    assert (nothing.face_index == -1).all()


def test_face_across_the_camera_plane_needs_no_clipping(kernels):
    """A floor below the camera that starts behind it."""
    vertices = torch.tensor([[-50.0, 1, -10], [50, 1, -10], [0, 1, 200]])
    found = rasterize_meshes(vertices, FACE, *frontal(16, 8.0), height=16, width=16)
    assert (found.face_index[0, :8] == -1).all()
    assert (found.face_index[0, 9:, 6:10] == 0).all()
    rows = torch.arange(9, 16)
    expected = 8 / (rows + 0.5 - 8)
    torch.testing.assert_close(found.depth[0, 9:, 8], expected.float())


def test_shared_edges_leave_no_gap(compiled):
    """A closed surface seen from inside covers every pixel."""
    vertices, faces = sphere(0.5, rings=30)
    found = rasterize_meshes(
        vertices, faces, *frontal(200, 90.0), height=200, width=200
    )
    assert (found.face_index >= 0).all()


def test_culling_keeps_faces_that_look_at_the_camera(kernels):
    vertices, faces = cube(0.5)
    extrinsics, intrinsics = orbit(3, 24, 24)
    size = {"height": 24, "width": 24}
    both = rasterize_meshes(vertices, faces, extrinsics, intrinsics, **size)
    front = rasterize_meshes(
        vertices, faces, extrinsics, intrinsics, cull_backfaces=True, **size
    )
    assert torch.equal(both.face_index, front.face_index)
    inward = faces[:, [0, 2, 1]]
    back = rasterize_meshes(
        vertices, inward, extrinsics, intrinsics, cull_backfaces=True, **size
    )
    hit = both.face_index >= 0
    assert (back.depth[hit] > both.depth[hit]).all()


@pytest.mark.parametrize("size", [(20, 20), (9, 33), (1, 1)])
@pytest.mark.parametrize("mesh", [soup(25, size=0.6), sphere(0.4, 5)])
def test_kernel_equals_twin(compiled, mesh, size):
    cameras = orbit(3, *size, distance=1.2)
    found = rasterize_meshes(*mesh, *cameras, height=size[0], width=size[1])
    expected = rasterize_meshes_torch(*mesh, *cameras, *size, 1e-3, float("inf"), False)
    assert torch.equal(found.face_index, expected[0])
    torch.testing.assert_close(found.depth, expected[1])
    torch.testing.assert_close(found.barycentric, expected[2], atol=1e-6, rtol=0)


def test_gradients_of_depth_and_weights(kernels):
    vertices = torch.tensor([[-0.5, -0.4, 1.2], [0.7, -0.5, 1.6], [0.0, 0.8, 1.4]])
    vertices = vertices.double().requires_grad_()
    extrinsics, intrinsics = frontal(6, 6.0)
    extrinsics = extrinsics.double().requires_grad_()
    generator = torch.Generator().manual_seed(0)
    pull = torch.randn(6, 6, 4, generator=generator)

    def energy(v, e):
        found = rasterize_meshes(v, FACE, e, intrinsics, height=6, width=6)
        value = (found.depth[0] * pull[..., 0]).sum()
        return value + (found.barycentric[0] * pull[..., 1:]).sum()

    slopes = torch.autograd.grad(energy(vertices, extrinsics), (vertices, extrinsics))
    step = 1e-3
    for argument, slope in ((0, slopes[0]), (1, slopes[1])):
        direction = torch.randn(slope.shape, generator=generator).double()
        values = []
        for sign in (-1, 1):
            moved = [vertices.detach(), extrinsics.detach()]
            moved[argument] = moved[argument] + sign * step * direction
            values.append(energy(*moved).item())
        expected = (values[1] - values[0]) / (2 * step)
        assert (slope * direction).sum().item() == pytest.approx(expected, rel=2e-2)


def test_faces_without_area_and_empty_inputs(kernels):
    vertices, faces = cube(0.5)
    cameras = orbit(2, 8, 8)
    degenerate = torch.tensor([[0, 1, 1], [2, 2, 2]])
    found = rasterize_meshes(vertices, degenerate, *cameras, height=8, width=8)
    assert (found.face_index == -1).all()
    found = rasterize_meshes(vertices, faces[:0], *cameras, height=8, width=8)
    assert (found.face_index == -1).all()
    found = rasterize_meshes(
        vertices, faces, cameras[0][:0], cameras[1][:0], height=8, width=8
    )
    assert found.face_index.shape == (0, 8, 8)
    assert found.barycentric.shape == (0, 8, 8, 3)


def test_threads_do_not_change_a_bit(compiled, threads):
    results = []
    for count in (1, 3):
        threads(count)
        results.append(
            rasterize_meshes(*soup(200), *orbit(5, 40, 40), height=40, width=40)
        )
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


def test_operator_registration(compiled):
    torch.library.opcheck(
        torch.ops.svr3d.rasterize_meshes,
        (*cube(), *orbit(2, 6, 5), 6, 5, 1e-3, float("inf"), False),
    )


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"extrinsics": torch.eye(4)[None]}, ValueError, r"extrinsics: .*\(N, 3, 4\)"),
        ({"intrinsics": torch.eye(3)[None]}, ValueError, "intrinsics: .*2 cameras"),
        ({"near": 0.0}, ValueError, "near, far: .*found 0.0"),
        ({"height": -1}, ValueError, "height: .*found -1"),
        ({"vertices": torch.full((8, 3), torch.nan)}, ValueError, "vertices: .*finite"),
    ],
)
def test_errors_name_argument_expected_and_found(change, error, message):
    vertices, faces = cube()
    extrinsics, intrinsics = orbit(2, 4, 4)
    arguments = {
        "vertices": vertices,
        "faces": faces,
        "extrinsics": extrinsics,
        "intrinsics": intrinsics,
        "height": 4,
        "width": 4,
    }
    with pytest.raises(error, match=message):
        rasterize_meshes(**(arguments | change))


def different_meshes():
    return [cube(0.6), sphere(0.4, 5), soup(9, size=0.6)]


def test_a_list_of_meshes_equals_mesh_after_mesh(kernels):
    meshes, cameras = different_meshes(), orbit(5, 14, 11, distance=1.2)
    order = torch.tensor([2, 0, 1, 0, 2])
    size = {"height": 14, "width": 11}
    found = rasterize_meshes(
        [v for v, _ in meshes],
        [f for _, f in meshes],
        *cameras,
        mesh_index=order,
        **size,
    )
    for view, mesh in enumerate(order.tolist()):
        one = [camera[view : view + 1] for camera in cameras]
        alone = rasterize_meshes(*meshes[mesh], *one, **size)
        assert (alone.face_index >= 0).any()
        for a, b in zip(found, alone, strict=True):
            assert torch.equal(a[view], b[0])


def test_padded_meshes_with_own_and_with_shared_faces(kernels):
    vertices, faces = cube(0.6)
    cameras, size = orbit(2, 9, 9), {"height": 9, "width": 9}
    both = torch.stack((vertices, vertices * torch.tensor([1, 0.5, 0.7])))
    shared = rasterize_meshes(both, faces, *cameras, **size)
    own = rasterize_meshes(both, faces.expand(2, -1, -1), *cameras, **size)
    few = rasterize_meshes(both, faces, *cameras, lengths=torch.tensor([12, 5]), **size)
    for view in range(2):
        one = [camera[view : view + 1] for camera in cameras]
        alone = rasterize_meshes(both[view], faces, *one, **size)
        assert torch.equal(shared.face_index[view], alone.face_index[0])
        assert torch.equal(own.depth[view], alone.depth[0])
        alone = rasterize_meshes(both[view], faces[: (12, 5)[view]], *one, **size)
        assert torch.equal(few.face_index[view], alone.face_index[0])


def test_gradients_of_a_batch_reach_the_right_mesh(kernels):
    meshes, cameras = different_meshes()[:2], orbit(2, 9, 9)
    order = torch.tensor([1, 0])
    leaves = [v.clone().requires_grad_() for v, _ in meshes]
    faces = [f for _, f in meshes]
    found = rasterize_meshes(
        leaves, faces, *cameras, mesh_index=order, height=9, width=9
    )
    found.depth.square().sum().backward()
    for view, mesh in enumerate(order.tolist()):
        leaf = meshes[mesh][0].clone().requires_grad_()
        one = [camera[view : view + 1] for camera in cameras]
        alone = rasterize_meshes(leaf, faces[mesh], *one, height=9, width=9)
        alone.depth.square().sum().backward()
        assert leaf.grad.abs().sum() > 0
        torch.testing.assert_close(leaves[mesh].grad, leaf.grad)


def test_batch_registration(compiled):
    vertices, faces = cube()
    spans = torch.tensor([[0, 8, 0, 12], [0, 8, 0, 3]])
    order = torch.tensor([1, 0])
    settings = (6, 5, 1e-3, float("inf"), False)
    torch.library.opcheck(
        torch.ops.svr3d.rasterize_mesh_batch,
        (vertices, faces, spans, order, *orbit(2, 6, 5), *settings),
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mesh_index": torch.tensor([0, 2])}, "mesh_index: .*0 to 1, found 2"),
        ({"mesh_index": torch.tensor([0])}, r"mesh_index: .*\(2,\)"),
        ({"lengths": torch.tensor([1, 13])}, "lengths: .*0 to 12, found 13"),
        ({"vertices": [torch.rand(3, 3)]}, "faces: .*list of 1"),
        ({"vertices": torch.rand(3, 8, 3)}, "mesh_index: .*2 views"),
        ({"vertices": torch.rand(8, 3)}, "mesh_index: expected None"),
    ],
)
def test_bad_batches_are_named(change, message):
    vertices, faces = cube()
    cameras = orbit(2, 4, 4)
    given = {"vertices": vertices.expand(2, -1, -1), "faces": faces}
    given |= {"height": 4, "width": 4} | change
    if message.endswith("None"):
        given["mesh_index"] = torch.tensor([0, 0])
    with pytest.raises(ValueError, match=message):
        rasterize_meshes(given.pop("vertices"), given.pop("faces"), *cameras, **given)
