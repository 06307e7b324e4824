# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

import numpy as np
import pytest
import torch

from svr3d.ops import nearest_neighbors
from svr3d.ops._torch.nearest_neighbors import nearest_neighbors_torch


def random(*shape, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=dtype)


def full(cloud):
    return torch.full((cloud.shape[0],), cloud.shape[1])


def reference(queries: np.ndarray, points: np.ndarray, k: int):
    """All distances, sorted by (distance, index)."""
    distances = ((queries[:, None] - points[None]) ** 2).sum(-1)
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, order, 1), order


def test_grid_neighbours_are_known(kernels):
    line = torch.arange(5.0)[None, :, None] * torch.tensor([1.0, 0, 0])
    queries = torch.tensor([[[1.2, 0.5, 0.0], [9.0, 0, 0]]])
    found = nearest_neighbors(queries, line, 2)
    assert found.indices.tolist() == [[[1, 2], [4, 3]]]
    expected = torch.tensor([[[0.29, 0.89], [25, 36]]])
    torch.testing.assert_close(found.squared_distances, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("k", [1, 3, 20])
def test_equals_the_definition(kernels, dtype, k):
    queries, points = random(2, 150, 3, dtype=dtype), random(2, 90, 3, seed=1)
    points = points.to(dtype)
    distances, indices = nearest_neighbors(queries, points, k)
    for b in range(2):
        expected, order = reference(queries[b].numpy(), points[b].numpy(), k)
        np.testing.assert_array_equal(indices[b].numpy(), order)
        np.testing.assert_allclose(distances[b].numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "sizes", [(1, 1), (15, 16), (17, 33), (300, 40), (1000, 2000), (0, 4), (4, 0)]
)
@pytest.mark.parametrize("k", [1, 4])
def test_kernel_equals_the_twin_bit_for_bit(compiled, dtype, sizes, k):
    """Half of the coordinates lie on a coarse lattice: many ties and duplicates."""
    queries = random(2, sizes[0], 3, dtype=dtype)
    points = random(2, sizes[1], 3, seed=1, dtype=dtype)
    queries[1], points[1] = (4 * queries[1]).round() / 4, (4 * points[1]).round() / 4
    found = nearest_neighbors(queries, points, k)
    twin = nearest_neighbors_torch(queries, points, full(queries), full(points), k)
    assert torch.equal(found.indices, twin[1])
    assert torch.equal(found.squared_distances, twin[0])


def test_outliers_and_coincident_points(compiled):
    """Far outliers leave all others in one cell of the curve; extremes overflow."""
    points = random(1, 3000, 3)
    points[0, 7] = 1e30
    points[0, 8] = torch.tensor([-3e38, 3e38, 0])
    points[0, 100:400] = points[0, 100]
    queries = random(1, 500, 3, seed=1)
    queries[0, :3] = points[0, torch.tensor([7, 8, 100])]
    found = nearest_neighbors(queries, points, 2)
    twin = nearest_neighbors_torch(queries, points, full(queries), full(points), 2)
    assert torch.equal(found.indices, twin[1])
    assert found.indices[0, 2].tolist() == [100, 101]
    tiny = torch.full((1, 200, 3), 1e-40)
    tiny[0, 1::2] = 1.1e-40
    found = nearest_neighbors(tiny, tiny)
    assert found.squared_distances.eq(0).all() and found.indices.eq(0).all()


def test_ragged_clouds_and_missing_neighbours(kernels):
    queries, points = random(3, 40, 3), random(3, 30, 3, seed=1)
    lengths = torch.tensor([40, 10, 40]), torch.tensor([30, 2, 0])
    queries[1, 10:] = points[1, 2:].mean()
    found = nearest_neighbors(
        queries, points, 3, query_lengths=lengths[0], point_lengths=lengths[1]
    )
    alone = nearest_neighbors(queries[1:2, :10], points[1:2, :2], 2)
    assert torch.equal(found.indices[1, :10, :2], alone.indices[0])
    missing = found.indices < 0
    assert missing[1, :, 2].all() and missing[1, 10:].all() and missing[2].all()
    assert not missing[0].any()
    assert torch.equal(missing, found.squared_distances == float("inf"))


def test_empty_half_and_non_contiguous_input(kernels):
    assert nearest_neighbors(torch.zeros(0, 5, 3), torch.zeros(0, 2, 3))[0].shape == (
        0,
        5,
        1,
    )
    queries = random(3, 30, 2).permute(2, 1, 0)
    points = random(2, 60, 3, seed=1)[:, ::3]
    found = nearest_neighbors(queries, points)
    again = nearest_neighbors(queries.contiguous(), points.contiguous())
    assert torch.equal(found.indices, again.indices)
    for dtype in (torch.float16, torch.bfloat16):
        low = queries.to(dtype), points.to(dtype)
        found = nearest_neighbors(*low)
        again = nearest_neighbors(low[0].float(), low[1].float())
        assert torch.equal(found.indices, again.indices)
        assert found.squared_distances.dtype == torch.float32


def test_gradients(kernels):
    queries = random(2, 7, 3, dtype=torch.float64).requires_grad_()
    points = random(2, 9, 3, seed=1, dtype=torch.float64).requires_grad_()
    lengths = torch.tensor([7, 4]), torch.tensor([9, 1])

    def distances(q, p):
        found = nearest_neighbors(
            q, p, 2, query_lengths=lengths[0], point_lengths=lengths[1]
        )
        return torch.where(found.indices < 0, 0, found.squared_distances)

    assert torch.autograd.gradcheck(distances, (queries, points))


def test_gradient_equals_the_twin_s(compiled):
    queries, points = random(1, 6000, 3), random(1, 5000, 3, seed=1)
    weight = random(1, 6000, 2, seed=2)
    grads = []
    for run in (torch.ops.svr3d.nearest_neighbors, nearest_neighbors_torch):
        leaves = queries.clone().requires_grad_(), points.clone().requires_grad_()
        distances, _ = run(*leaves, full(queries), full(points), 2)
        grads.append(torch.autograd.grad((distances * weight).sum(), leaves))
    for ours, twin in zip(*grads, strict=True):
        torch.testing.assert_close(ours, twin, rtol=1e-4, atol=1e-5)


def test_results_do_not_depend_on_the_number_of_threads(threads):
    queries, points = random(3, 3000, 3), random(3, 2000, 3, seed=1)
    results = []
    for number in (1, 2, 5):
        threads(number)
        leaves = queries.clone().requires_grad_(), points.clone().requires_grad_()
        found = nearest_neighbors(*leaves)
        grads = torch.autograd.grad(found.squared_distances.sum(), leaves)
        # One long cloud: its points are shared out between the threads.
        one = queries.reshape(1, -1, 3).requires_grad_()
        single = nearest_neighbors(points.reshape(1, -1, 3), one)
        grads += torch.autograd.grad(single.squared_distances.sum(), one)
        results.append([found.indices, found.squared_distances.detach(), *grads])
    for other in results[1:]:
        assert all(map(torch.equal, results[0], other))


@pytest.mark.parametrize("lanes", ["portable", "avx2"])
def test_instruction_sets_agree(compiled, lanes, tmp_path, monkeypatch):
    """A second process uses a lesser set; the outputs are equal bit for bit."""
    script = (
        "import sys, torch; from svr3d.ops import nearest_neighbors\n"
        "x, y = torch.load(sys.argv[1])\n"
        "torch.save([nearest_neighbors(x.to(t), y.to(t), k) for k in (1, 5)\n"
        "            for t in (torch.float32, torch.float64)], sys.argv[2])"
    )
    clouds = (8 * random(2, 700, 3)).round() / 8, random(2, 900, 3, seed=1)
    torch.save(clouds, tmp_path / "in.pt")
    monkeypatch.setenv("SVR3D_SIMD", lanes)
    paths = [str(tmp_path / "in.pt"), str(tmp_path / "out.pt")]
    subprocess.run([sys.executable, "-c", script, *paths], check=True)
    theirs = iter(torch.load(tmp_path / "out.pt", weights_only=False))
    for k in (1, 5):
        for dtype in (torch.float32, torch.float64):
            ours = nearest_neighbors(clouds[0].to(dtype), clouds[1].to(dtype), k)
            assert all(map(torch.equal, ours, next(theirs)))


def test_bad_arguments_are_named():
    cloud = random(2, 5, 3)
    with pytest.raises(ValueError, match=r"queries: expected shape \(B, N, 3\)"):
        nearest_neighbors(cloud[0], cloud)
    with pytest.raises(ValueError, match="points: expected 2 clouds like queries"):
        nearest_neighbors(cloud, cloud[:1])
    with pytest.raises(TypeError, match="points: expected dtype torch.float32"):
        nearest_neighbors(cloud, cloud.double())
    with pytest.raises(ValueError, match="NaN or infinity in 1 of 2 rows"):
        broken = cloud.clone()
        broken[1, 2, 0] = float("nan")
        nearest_neighbors(cloud, broken)
    with pytest.raises(ValueError, match="k: expected 1"):
        nearest_neighbors(cloud, cloud, 0)
    with pytest.raises(ValueError, match="point_lengths: expected 0 to 5, found 6"):
        nearest_neighbors(cloud, cloud, point_lengths=torch.tensor([6, 1]))


def test_the_op_itself_guards_its_arguments(compiled):
    cloud, lengths = random(1, 5, 3), torch.tensor([5])
    op = torch.ops.svr3d.nearest_neighbors
    with pytest.raises(RuntimeError, match="lengths must lie between"):
        op(cloud, cloud, lengths + 1, lengths, 1)
    with pytest.raises(RuntimeError, match="k must be positive"):
        op(cloud, cloud, lengths, lengths, 0)
    with pytest.raises(RuntimeError, match="indices must be smaller"):
        torch.ops.svr3d.nearest_neighbors_backward(
            torch.ones(1, 5, 1), cloud, cloud, torch.full((1, 5, 1), 5)
        )


def test_schema_and_compilation(compiled):
    x, y = random(2, 20, 3).requires_grad_(), random(2, 11, 3, seed=1)
    lengths = torch.tensor([20, 20]), torch.tensor([11, 3])
    ops = torch.ops.svr3d
    torch.library.opcheck(ops.nearest_neighbors, (x, y, *lengths, 4))
    torch.library.opcheck(ops.nearest_neighbors_both, (x, y, *lengths))
    both = ops.nearest_neighbors_both(x.detach(), y, *lengths)
    torch.library.opcheck(
        ops.nearest_neighbors_backward, (both[0], x.detach(), y, both[1])
    )
    arguments = (both[0], both[2], x.detach(), y, both[1], both[3])
    torch.library.opcheck(ops.nearest_neighbors_both_backward, arguments)
    function = torch.compile(nearest_neighbors, fullgraph=True, backend="aot_eager")
    found, eager = function(x, y, 3), nearest_neighbors(x, y, 3)
    assert torch.equal(found.indices, eager.indices)
    grads = [
        torch.autograd.grad(result.squared_distances.sum(), x)[0]
        for result in (found, eager)
    ]
    assert torch.equal(*grads)
