# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from shapes import cube, soup, sphere

from svr3d.ops import sample_surface
from svr3d.ops._torch.sample_surface import sample_surface_torch


def batch_of_two() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A soup of 40 faces beside one of 17, padded with faces that do not exist."""
    (first, faces), (second, few) = soup(40), soup(17, seed=1)
    padded = torch.full_like(faces, -7)
    padded[:17] = few
    vertices = torch.zeros(2, 120, 3).double()
    vertices[0], vertices[1, :51] = first, second
    return vertices, torch.stack((faces, padded)), torch.tensor([40, 17])


def test_faces_are_drawn_by_area_and_places_uniformly(kernels):
    vertices, faces = sphere(0.5, rings=8)
    vertices = vertices * torch.tensor([1.0, 2.0, 0.5])
    found = sample_surface(vertices, faces, 200_000, seed=3)
    a, b, c = vertices[faces].unbind(1)
    areas = torch.linalg.cross(b - a, c - a).norm(dim=1)
    expected = areas / areas.sum() * 200_000
    counts = torch.bincount(found.face_index, minlength=len(faces))
    chi = ((counts - expected) ** 2 / expected).sum() / (len(faces) - 1)
    assert 0.75 < chi < 1.25
    # Uniform barycentric weights have mean 1/3 and second moments 1/6 and 1/12.
    moments = found.barycentric.T @ found.barycentric / 200_000
    third = torch.full((3,), 1 / 3).double()
    torch.testing.assert_close(found.barycentric.mean(0), third, atol=2e-3, rtol=0)
    twelfths = (torch.ones(3, 3) + torch.eye(3)).double() / 12
    torch.testing.assert_close(moments, twelfths, atol=2e-3, rtol=0)


def test_samples_lie_in_their_faces_with_their_normals(kernels):
    vertices, faces = cube(2.0)
    points, normals, index, weights = sample_surface(vertices, faces, 500)
    rebuilt = (vertices[faces[index]] * weights[..., None]).sum(1)
    torch.testing.assert_close(points, rebuilt, atol=1e-14, rtol=0)
    torch.testing.assert_close(weights.sum(1), torch.ones(500).double())
    assert (weights >= 0).all()
    # On a cube the normal is the axis whose coordinate is the side's.
    torch.testing.assert_close((points * normals).sum(1), torch.ones(500).double())
    torch.testing.assert_close(normals.abs().amax(1), torch.ones(500).double())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_kernel_equals_twin(compiled, dtype):
    vertices, faces, lengths = batch_of_two()
    vertices, seeds = vertices.to(dtype), torch.tensor([5, -(2**63)])
    found = sample_surface(vertices, faces, 3000, seed=seeds, lengths=lengths)
    expected = sample_surface_torch(vertices, faces, lengths, seeds, 3000)
    assert torch.equal(found.face_index, expected[2])
    for ours, twin in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, twin)
    many = sphere(0.4, rings=40)  # more faces than one block of sums
    one = sample_surface(*many, 2000)
    twin = sample_surface_torch(
        many[0][None], many[1][None], torch.tensor([len(many[1])]), seeds[:1] * 0, 2000
    )
    assert torch.equal(one.face_index, twin[2][0])


def test_a_mesh_does_not_depend_on_its_batch_nor_on_the_number(kernels):
    vertices, faces, lengths = batch_of_two()
    both = sample_surface(vertices, faces, 64, seed=9, lengths=lengths)
    alone = sample_surface(vertices[1, :51], faces[1, :17], 20, seed=9)
    for batched, single in zip(both, alone, strict=True):
        assert torch.equal(batched[1, :20], single)
    other = sample_surface(vertices[1, :51], faces[1, :17], 20, seed=10)
    assert not torch.equal(other.face_index, alone.face_index)


def test_shared_faces_half_and_strides(kernels):
    vertices, faces = cube()
    batch = torch.stack((vertices, vertices * 2, vertices + 1))
    shared = sample_surface(batch, faces.int(), 30)
    repeated = sample_surface(batch, faces.expand(3, -1, -1), 30)
    assert all(map(torch.equal, shared, repeated))
    view = batch.permute(2, 1, 0).contiguous().permute(2, 1, 0)
    assert all(map(torch.equal, sample_surface(view, faces, 30), shared))
    half = sample_surface(batch.bfloat16(), faces, 30)
    assert half.points.dtype == half.normals.dtype == torch.bfloat16
    exact = sample_surface(batch.bfloat16().float(), faces, 30)
    assert torch.equal(half.points, exact.points.bfloat16())


def test_faces_without_area_are_never_drawn(kernels):
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [2, 0, 0]])
    faces = torch.tensor([[0, 1, 3], [0, 0, 0], [0, 1, 2], [1, 1, 2], [3, 0, 1]])
    found = sample_surface(vertices, faces, 1000)
    assert (found.face_index == 2).all()
    assert torch.equal(found.normals, torch.tensor([0.0, 0, 1]).expand(1000, 3))
    # Areas that single precision cannot hold still count.
    tiny = sample_surface(vertices * 1e-25, faces, 1000)
    assert (tiny.face_index == 2).all()
    assert torch.equal(tiny.normals, found.normals)


def test_empty_results(kernels):
    vertices, faces = cube()
    nothing = sample_surface(vertices, faces, 0)
    assert [part.shape for part in nothing] == [(0, 3), (0, 3), (0,), (0, 3)]
    nobody = sample_surface(torch.empty(0, 8, 3), torch.empty(0, 4, 3).long(), 5)
    assert nobody.points.shape == (0, 5, 3)


def test_gradients(kernels):
    vertices, faces, lengths = batch_of_two()
    vertices.requires_grad_()

    def run(vertices):
        found = sample_surface(vertices, faces, 25, seed=1, lengths=lengths)
        return found.points, found.normals

    assert torch.autograd.gradcheck(run, vertices)


def test_gradient_of_kernel_equals_twin(compiled, monkeypatch):
    from svr3d.ops import _library

    gradients = []
    for served in (True, False):
        monkeypatch.setattr(_library, "available", lambda served=served: served)
        vertices, faces = sphere(0.5, 12)
        vertices = vertices.float().requires_grad_()
        found = sample_surface(vertices, faces, 5000)
        (found.points.sin().sum() + (found.normals**3).sum()).backward()
        gradients.append(vertices.grad)
    torch.testing.assert_close(*gradients, atol=2e-4, rtol=1e-5)


def test_threads_do_not_change_a_bit(compiled, threads):
    vertices, faces, lengths = batch_of_two()
    results = []
    for count in (1, 2, 5):
        threads(count)
        leaf = vertices.clone().requires_grad_()
        found = sample_surface(leaf, faces, 9000, lengths=lengths)
        found.points.square().sum().backward()
        results.append([*found, leaf.grad])
    for other in results[1:]:
        assert all(map(torch.equal, results[0], other))


def test_schema_and_compilation(compiled):
    vertices, faces = cube()
    inputs = vertices[None].requires_grad_(), faces[None]
    numbers = torch.tensor([12]), torch.tensor([3])
    torch.library.opcheck(torch.ops.svr3d.sample_surface, (*inputs, *numbers, 9))
    _, _, index, weights = torch.ops.svr3d.sample_surface(*inputs, *numbers, 9)
    gradients = torch.ones(1, 9, 3).double(), torch.ones(1, 9, 3).double()
    torch.library.opcheck(
        torch.ops.svr3d.sample_surface_backward,
        (*gradients, vertices[None].detach(), faces[None], index, weights),
    )
    run = torch.compile(sample_surface, fullgraph=True, backend="aot_eager")
    expected = sample_surface(vertices, faces, 9)
    assert all(map(torch.equal, run(vertices, faces, 9), expected))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"vertices": torch.zeros(4, 2)}, ValueError, r"vertices: .*\(B, N, 3\)"),
        ({"vertices": torch.full((8, 3), torch.nan)}, ValueError, "vertices: .*finite"),
        ({"vertices": torch.zeros(8, 3)}, ValueError, "faces: .*positive.*mesh 0 of 1"),
        ({"vertices": torch.zeros(8, 3).int()}, TypeError, "vertices: .*floating"),
        ({"faces": torch.tensor([[0, 1, 8]])}, ValueError, "faces: .*0 to 7.*found 8"),
        ({"faces": torch.tensor([[0, -1, 8]])}, ValueError, "faces: .*found -1"),
        ({"faces": torch.zeros(2, 3, 3).long()}, ValueError, r"faces: .*\(1, F, 3\)"),
        ({"faces": torch.empty(0, 3).long()}, ValueError, "faces: .*positive"),
        ({"faces": torch.zeros(2, 3)}, TypeError, "faces: .*int64"),
        ({"count": -1}, ValueError, "count: .*found -1"),
        ({"seed": 1.5}, TypeError, "seed: expected an int, found float"),
        ({"seed": torch.zeros(3).long()}, ValueError, r"seed: .*\(1,\), found \(3,\)"),
        ({"lengths": torch.tensor([13])}, ValueError, "lengths: .*0 to 12, found 13"),
    ],
)
def test_errors_name_argument_expected_and_found(kernels, change, error, message):
    vertices, faces = cube()
    arguments = {"vertices": vertices, "faces": faces, "count": 5}
    with pytest.raises(error, match=message):
        sample_surface(**(arguments | change))


def test_direct_calls_are_checked_too(compiled):
    vertices, faces = cube()
    one = torch.tensor([1])
    op = torch.ops.svr3d.sample_surface
    with pytest.raises(RuntimeError, match="faces must index vertices 0 to 7, found 8"):
        op(vertices[None], faces[None] + 1, one * 12, one, 4)
    with pytest.raises(RuntimeError, match="lengths must lie between 0 and 12"):
        op(vertices[None], faces[None], one * 13, one, 4)
