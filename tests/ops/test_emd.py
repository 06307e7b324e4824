# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from svr3d.ops import emd, match_points
from svr3d.ops._torch.match_points import match_points_torch, pair_costs


def random(*shape, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=dtype)


def clouds(kind: str, n: int):
    """Pairs that are easy or hard for an auction."""
    x, y = random(1, n, 3), random(1, n, 3, seed=1)
    sphere = y / y.norm(dim=-1, keepdim=True)
    line = x * torch.tensor([1.0, 0, 0])
    half = torch.arange(n)[:, None] < n // 4
    pairs = {
        "normal": (x, y),
        "sphere and ball": (0.05 * x, sphere),
        "line and sphere": (line, sphere),
        "unequal clusters": (0.1 * x + half, 0.1 * y + ~half),
        "nearly equal": (sphere, sphere[:, torch.randperm(n)] + 1e-4 * x),
        "many duplicates": (x.round(), y.round()),
        "far from the origin": (x + 1000, y + 1000),
        "huge": (x * 1e30, y * 1e30),
    }
    return pairs[kind]


KINDS = (
    "normal",
    "sphere and ball",
    "line and sphere",
    "unequal clusters",
    "nearly equal",
    "many duplicates",
    "far from the origin",
    "huge",
)


def test_points_on_a_line_match_in_order(kernels):
    x = torch.tensor([[[3.0, 0, 0], [0, 0, 0], [1, 0, 0]]])
    y = torch.tensor([[[0.5, 0, 0], [9, 0, 0], [1.25, 0, 0]]])
    for method in ("auction", "exact"):
        assert match_points(x, y, method=method).tolist() == [[1, 0, 2]]
        found = emd(x, y, method=method)
        assert float(found) == pytest.approx((6 + 0.5 + 0.25) / 3)
        found = emd(x, y, method=method, squared=True)
        assert float(found) == pytest.approx((36 + 0.25 + 0.0625) / 3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cost", ["euclidean", "squared"])
def test_auction_keeps_its_tolerance(compiled, kind, cost):
    x, y = clouds(kind, 300)
    x, y = x.double(), y.double()
    costs = pair_costs(x[0], y[0], cost == "squared").numpy()
    least = costs[linear_sum_assignment(costs)].mean()
    for tolerance in (0.1, 5e-4):
        match = match_points(x, y, cost=cost, tolerance=tolerance)[0]
        assert sorted(match.tolist()) == list(range(300))
        total = costs[np.arange(300), match].mean()
        assert total <= least * (1 + tolerance) + 3e-6 * costs.max()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cost", ["euclidean", "squared"])
def test_kernel_equals_the_twin(compiled, kind, cost):
    x, y = clouds(kind, 33)
    scale = torch.maximum(x.abs().max(), y.abs().max())
    arguments = (x / scale, y / scale, torch.tensor([33]), 1e-3, cost == "squared")
    found = torch.ops.svr3d.match_points(*arguments)
    assert torch.equal(found, match_points_torch(*arguments))


def test_ragged_single_and_coincident_points(kernels):
    x, y = random(4, 20, 3), random(4, 20, 3, seed=1)
    x[3] = y[3] = 0.5
    lengths = torch.tensor([20, 7, 1, 20])
    for method in ("auction", "exact"):
        match = match_points(x, y, lengths=lengths, method=method)
        for row, n in zip(match.tolist(), lengths.tolist(), strict=True):
            assert sorted(row[:n]) == list(range(n))
            assert row[n:] == [-1] * (20 - n)
        each = emd(x, y, lengths=lengths, method=method, batch="none")
        alone = emd(x[1:2, :7], y[1:2, :7], method=method)
        torch.testing.assert_close(each[1], alone, rtol=1e-3, atol=0)
        assert each[3] == 0
    nothing = torch.zeros(2, 0, 3)
    assert match_points(nothing, nothing).shape == (2, 0)
    assert match_points(nothing.reshape(0, 2, 3), nothing.reshape(0, 2, 3)).shape == (
        0,
        2,
    )


def test_padding_has_no_influence(kernels):
    x, y = random(1, 12, 3), random(1, 12, 3, seed=1)
    lengths = torch.tensor([9])
    before = match_points(x, y, lengths=lengths)
    x[0, 9:], y[0, 9:] = 1e6, -1e6
    assert torch.equal(before, match_points(x, y, lengths=lengths))


def test_gradients(kernels):
    x = random(2, 8, 3, dtype=torch.float64).requires_grad_()
    y = random(2, 8, 3, seed=1, dtype=torch.float64).requires_grad_()
    for squared in (True, False):

        def value(x, y, squared=squared):
            lengths = torch.tensor([8, 3])
            return emd(x, y, squared=squared, lengths=lengths, batch="none")

        assert torch.autograd.gradcheck(value, (x, y))
    emd(x, x.detach().clone()).backward()
    assert torch.isfinite(x.grad).all()


def test_half_and_non_contiguous_input(kernels):
    x, y = random(3, 12, 2).permute(2, 1, 0), random(2, 24, 3, seed=1)[:, ::2]
    found = match_points(x, y)
    assert torch.equal(found, match_points(x.contiguous(), y.contiguous()))
    for dtype in (torch.float16, torch.bfloat16):
        low = x.to(dtype), y.to(dtype)
        assert torch.equal(match_points(*low), match_points(*(t.float() for t in low)))
        assert emd(*low).dtype == torch.float32


def test_results_do_not_depend_on_threads_or_instruction_sets(
    compiled, threads, tmp_path, monkeypatch
):
    x, y = random(5, 200, 3), random(5, 200, 3, seed=1)
    results = []
    for number in (1, 2, 3):
        threads(number)
        results.append(match_points(x, y))
    script = (
        "import sys, torch; from svr3d.ops import match_points\n"
        "torch.save(match_points(*torch.load(sys.argv[1])), sys.argv[2])"
    )
    torch.save((x, y), tmp_path / "in.pt")
    for lanes in ("portable", "avx2"):
        monkeypatch.setenv("SVR3D_SIMD", lanes)
        paths = [str(tmp_path / "in.pt"), str(tmp_path / "out.pt")]
        subprocess.run([sys.executable, "-c", script, *paths], check=True)
        results.append(torch.load(tmp_path / "out.pt"))
    assert all(torch.equal(results[0], other) for other in results[1:])


def test_bad_arguments_are_named(compiled):
    x = random(2, 5, 3)
    with pytest.raises(ValueError, match=r"y: expected shape \(2, 5, 3\) like x"):
        emd(x, x[:, :4])
    with pytest.raises(ValueError, match="x: expected at most 2048 points"):
        match_points(random(1, 2049, 3), random(1, 2049, 3), method="exact")
    with pytest.raises(ValueError, match="tolerance: expected"):
        emd(x, x, tolerance=0)
    with pytest.raises(ValueError, match="method: expected one of"):
        emd(x, x, method="sinkhorn")
    with pytest.raises(ValueError, match="at least one point"):
        emd(x, x, lengths=torch.tensor([0, 5]))
    with pytest.raises(ValueError, match="NaN"):
        emd(x, x * float("nan"))
    with pytest.raises(RuntimeError, match="finite numbers up to"):
        torch.ops.svr3d.match_points(
            x, x * float("inf"), torch.tensor([5, 5]), 1e-3, False
        )


def test_schema_and_compilation(compiled):
    x, y = random(2, 20, 3), random(2, 20, 3, seed=1)
    lengths = torch.tensor([20, 11])
    arguments = (x, y, lengths, 1e-3, False)
    torch.library.opcheck(torch.ops.svr3d.match_points, arguments)
    x.requires_grad_()
    for method in ("auction", "exact"):
        function = torch.compile(emd, fullgraph=True, backend="aot_eager")
        values = [run(x, y, method=method) for run in (function, emd)]
        assert torch.equal(*values)
        assert torch.equal(*[torch.autograd.grad(value, x)[0] for value in values])


def test_agrees_with_the_self_supervised_point_clouds(kernels, golden, golden_dir):
    given, expected = golden.load(golden_dir / "ssl3d" / "emd_auction")
    pred, gt = (torch.from_numpy(given[name]) for name in ("pred", "gt"))
    exact = emd(pred.double(), gt.double(), method="exact", batch="none")
    np.testing.assert_allclose(exact, expected["exact_euclid"], rtol=1e-6)
    squares = emd(pred, gt, method="exact", squared=True, batch="none")
    np.testing.assert_allclose(squares, expected["exact_assignment_sq"], rtol=1e-5)
    np.testing.assert_allclose(squares, expected["emd_sq"], rtol=0.1)
    for method in ("auction", "exact"):
        found = emd(pred, gt, method=method, batch="none")
        assert (found.numpy() <= expected["euclid_of_match"] * (1 + 1e-6)).all()
        np.testing.assert_allclose(found, expected["euclid_of_match"], atol=1e-2)
