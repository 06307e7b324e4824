# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch

from svr3d.ops import chamfer_distance, chamfer_terms, nearest_neighbors


def random(*shape, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=dtype)


def leaves(*arrays):
    return [torch.from_numpy(array).requires_grad_() for array in arrays]


def test_two_points_in_closed_form(kernels):
    x = torch.tensor([[[0.0, 0, 0], [3, 0, 0]]])
    y = torch.tensor([[[0.0, 4, 0]]])  # 4 and 5 from x; 4 back
    forms = {
        (True, "mean", "sum"): (16 + 25) / 2 + 16,
        (True, "sum", "sum"): 16 + 25 + 16,
        (True, "mean", "x_to_y"): (16 + 25) / 2,
        (True, "mean", "y_to_x"): 16,
        (False, "mean", "mean"): ((4 + 5) / 2 + 4) / 2,
        (False, "sum", "sum"): 4 + 5 + 4,
    }
    for (squared, points, directions), expected in forms.items():
        found = chamfer_distance(
            x, y, squared=squared, points=points, directions=directions
        )
        assert found.shape == ()
        assert float(found) == pytest.approx(expected)


def test_reductions_of_the_batch_and_ragged_clouds(kernels):
    x, y = random(3, 20, 3), random(3, 30, 3, seed=1)
    lengths = {"x_lengths": torch.tensor([20, 5, 1])}
    lengths["y_lengths"] = torch.tensor([7, 30, 2])
    for squared in (True, False):
        for points in ("mean", "sum"):
            how = {"squared": squared, "points": points}
            alone = [
                chamfer_distance(x[b : b + 1, :n], y[b : b + 1, :m], **how)
                for b, (n, m) in enumerate(((20, 7), (5, 30), (1, 2)))
            ]
            each = chamfer_distance(x, y, batch="none", **how, **lengths)
            torch.testing.assert_close(each, torch.stack(alone))
            mean = chamfer_distance(x, y, **how, **lengths)
            torch.testing.assert_close(mean, each.mean())
            total = chamfer_distance(x, y, batch="sum", **how, **lengths)
            torch.testing.assert_close(total, each.sum())


def test_gradients(kernels):
    x = random(2, 6, 3, dtype=torch.float64).requires_grad_()
    y = random(2, 8, 3, seed=1, dtype=torch.float64).requires_grad_()
    lengths = {"x_lengths": torch.tensor([6, 2]), "y_lengths": torch.tensor([3, 8])}
    for squared in (True, False):

        def value(x, y, squared=squared):
            return chamfer_distance(x, y, squared=squared, batch="none", **lengths)

        assert torch.autograd.gradcheck(value, (x, y))


def test_coincident_points_have_finite_gradients(kernels):
    x = random(1, 50, 3).requires_grad_()
    chamfer_distance(x, x.detach().clone(), squared=False).backward()
    assert torch.equal(x.grad, torch.zeros_like(x))


def test_bad_arguments_are_named():
    x = random(2, 5, 3)
    with pytest.raises(ValueError, match="y: expected at least one point"):
        chamfer_distance(x, x, y_lengths=torch.tensor([5, 0]))
    with pytest.raises(ValueError, match="x: expected at least one point"):
        chamfer_distance(x[:, :0], x)
    with pytest.raises(ValueError, match="directions: expected one of 'sum'"):
        chamfer_distance(x, x, directions="both")
    with pytest.raises(ValueError, match="expected both or neither"):
        chamfer_terms(x, x, x_normals=x)
    with pytest.raises(ValueError, match="y_normals: expected shape"):
        chamfer_terms(x, x, x_normals=x, y_normals=x[:, :2])


def test_compilation(compiled):
    x, y = random(2, 20, 3).requires_grad_(), random(2, 11, 3, seed=1)
    function = torch.compile(chamfer_distance, fullgraph=True, backend="aot_eager")
    values = [run(x, y, squared=False) for run in (function, chamfer_distance)]
    assert torch.equal(*values)
    assert torch.equal(*[torch.autograd.grad(value, x)[0] for value in values])


@pytest.mark.parametrize("case", ["chamfer_fscore", "chamfer_fscore_ties"])
def test_equals_atlasnet(kernels, golden, golden_dir, case):
    given, expected = golden.load(golden_dir / "atlasnet" / case)
    a, b = leaves(given["a"], given["b"])
    for one, other, number in ((a, b, 1), (b, a, 2)):
        found = nearest_neighbors(one, other)
        distances = found.squared_distances.detach()[..., 0].numpy()
        np.testing.assert_allclose(distances, expected[f"dist{number}"], atol=1e-6)
        if "ties" not in case:
            np.testing.assert_array_equal(
                found.indices[..., 0], expected[f"idx{number}"]
            )
    loss = chamfer_distance(a, b)
    loss.backward()
    np.testing.assert_allclose(loss.item(), expected["loss"], atol=1e-6)
    each = chamfer_distance(a, b, batch="none").detach()
    np.testing.assert_allclose(each, expected["per_sample"], atol=1e-6)
    if "ties" not in case:
        np.testing.assert_allclose(a.grad, expected["grad_a"], atol=1e-6)
        np.testing.assert_allclose(b.grad, expected["grad_b"], atol=1e-6)
    first, second = (
        nearest_neighbors(*pair).squared_distances[..., 0] for pair in ((a, b), (b, a))
    )
    for name in expected:
        if not name.startswith("fscore_"):
            continue
        threshold = float(name.removeprefix("fscore_"))
        shares = [(d < threshold).double().mean(1) for d in (first, second)]
        np.testing.assert_allclose(shares[0], expected[name][1], atol=1e-6)
        np.testing.assert_allclose(shares[1], expected[name][2], atol=1e-6)


def test_equals_occupancy_networks_helper(kernels, golden, golden_dir):
    given, expected = golden.load(golden_dir / "occnet" / "chamfer_squared")
    x, y = (torch.from_numpy(given[f"points{n}"]) for n in (1, 2))
    np.testing.assert_array_equal(
        nearest_neighbors(x, y).indices[..., 0], expected["idx12"]
    )
    np.testing.assert_array_equal(
        nearest_neighbors(y, x).indices[..., 0], expected["idx21"]
    )
    found = {
        "chamfer": "sum",
        "chamfer1": "x_to_y",
        "chamfer2": "y_to_x",
        "naive": "sum",
    }
    for name, directions in found.items():
        value = chamfer_distance(x, y, directions=directions, batch="none")
        np.testing.assert_allclose(value, expected[name], rtol=1e-5)


@pytest.mark.parametrize("case", ["metric_pointcloud", "metric_pointcloud_nonormals"])
def test_equals_occupancy_networks_metrics(kernels, golden, golden_dir, case):
    given, expected = golden.load(golden_dir / "occnet" / case)
    tensors = {k: torch.from_numpy(v)[None].double() for k, v in given.items()}
    terms = chamfer_terms(
        tensors["pointcloud"],
        tensors["pointcloud_tgt"],
        x_normals=tensors.get("normals"),
        y_normals=tensors.get("normals_tgt"),
    )
    found = {
        "accuracy": terms.x_to_y,
        "completeness": terms.y_to_x,
        "accuracy2": terms.x_to_y_squared,
        "completeness2": terms.y_to_x_squared,
        "chamfer-L1": terms.l1,
        "chamfer-L2": terms.l2,
        "normals_accuracy": terms.normals_x_to_y,
        "normals_completeness": terms.normals_y_to_x,
        "normals": terms.normals,
    }
    for name, value in found.items():
        if value is None:
            assert np.isnan(expected[name]) and "nonormals" in case
        else:
            np.testing.assert_allclose(value.item(), expected[name], rtol=1e-5)
    value = chamfer_distance(
        tensors["pointcloud"],
        tensors["pointcloud_tgt"],
        squared=False,
        directions="mean",
    )
    np.testing.assert_allclose(value, expected["chamfer-L1"], rtol=1e-5)


def test_equals_the_self_supervised_point_clouds(kernels, golden, golden_dir):
    given, expected = golden.load(golden_dir / "ssl3d" / "chamfer")
    gt, pred = leaves(given["gt"], given["pred"])
    for one, other, number in ((gt, pred, 1), (pred, gt, 2)):
        found = nearest_neighbors(one, other)
        np.testing.assert_array_equal(found.indices[..., 0], expected[f"idx{number}"])
        distances = found.squared_distances.detach()[..., 0]
        np.testing.assert_allclose(distances, expected[f"dist{number}"], rtol=1e-5)
    loss = chamfer_distance(gt, pred)
    np.testing.assert_allclose(loss.item(), expected["chamfer"], rtol=1e-5)
    sides = [
        chamfer_distance(gt, pred, directions=side).item()
        for side in ("x_to_y", "y_to_x")
    ]
    np.testing.assert_allclose(sides, [expected["fwd"], expected["bwd"]], rtol=1e-5)
    scale = expected["loss_3d"] / expected["chamfer"]
    (loss * float(scale)).backward()
    for leaf, name in ((gt, "gt"), (pred, "pred")):
        np.testing.assert_allclose(
            leaf.grad, expected[f"grad.{name}"], rtol=1e-5, atol=1e-7
        )
