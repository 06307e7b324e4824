# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch

from svr3d.ops import MISE, evaluate_grids
from svr3d.ops._torch.mise import mise_fill_torch, mise_split_torch, mise_store_torch

CASES = ("sphere", "torus_logit02", "thin_rod", "ties", "empty")


def lookup(values: torch.Tensor):
    return lambda number, points: values[tuple(points.T)]


def wave(resolution: int, seed: int = 0) -> torch.Tensor:
    axis = torch.linspace(-1, 1, resolution + 1).double()
    x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")
    return 0.6 - (x**2 + y**2 + z**2).sqrt() + 0.1 * torch.sin(9 * x + seed) * y


@pytest.mark.parametrize("name", CASES)
def test_equals_the_published_program(kernels, golden_dir, golden, name):
    inputs, outputs = golden.load(golden_dir / "occnet" / f"mise_{name}")
    values = torch.from_numpy(inputs["values"]).double()
    start, depth = int(inputs["resolution_0"]), int(inputs["depth"])
    extraction = MISE(start, depth, float(inputs["threshold"]))
    assert extraction.resolution == outputs["resolution"]
    rounds = []
    while len(points := extraction.query()[0]):
        rounds.append(points)
        extraction.update([values[tuple(points.T)]])
    assert [len(points) for points in rounds] == outputs["rounds"].tolist()
    expected = torch.from_numpy(outputs["points"]).long()
    for found, theirs in zip(
        rounds, expected.split(list(map(len, rounds))), strict=True
    ):
        assert torch.equal(sorted_rows(found), sorted_rows(theirs))
    assert sum(map(len, rounds)) == outputs["n_grid_points"]
    dense = torch.from_numpy(outputs["dense"]).double()
    assert torch.equal(extraction.to_dense()[0], dense)


def sorted_rows(points: torch.Tensor) -> torch.Tensor:
    return points.unique(dim=0)


@pytest.mark.parametrize(("start", "depth"), [(4, 4), (5, 2), (64, 1), (1, 0), (40, 1)])
def test_kernels_equal_twins(compiled, start, depth):
    values = wave(start << depth)
    ours, twin = MISE(start, depth, 0.0), MISE(start, depth, 0.0)
    bits, dense = twin._bits[0].clone(), twin._dense[0].clone()
    voxels, points = twin._voxels[0], twin.query()[0]
    while len(points):
        assert torch.equal(ours.query()[0], points)
        found = values[tuple(points.T)]
        ours.update([found])
        mise_store_torch(bits, dense, points, found, 0.0)
        voxels, points = mise_split_torch(bits, voxels)
    assert len(ours.query()[0]) == 0
    assert torch.equal(ours._bits[0], bits)
    filled = torch.empty_like(dense)
    mise_fill_torch(bits, dense, filled)
    assert torch.equal(ours.to_dense()[0], filled)


def test_signs_near_the_surface_are_right_and_few_points_are_asked(kernels):
    values = wave(64)
    asked = []

    def field(number, points):
        asked.append(len(points))
        return values[tuple(points.T)]

    grid = evaluate_grids(field, 8, 3, 0.0)[0]
    assert torch.equal(grid > 0, values > 0)
    assert sum(asked) < 0.25 * values.numel()


def test_objects_of_a_batch_are_independent(kernels):
    fields = [wave(32), wave(32, 5), torch.full((33, 33, 33), -1.0).double()]
    together = evaluate_grids(lambda n, p: fields[n][tuple(p.T)], 8, 2, 0.0, batch=3)
    for field, grid in zip(fields, together, strict=True):
        assert torch.equal(evaluate_grids(lookup(field), 8, 2, 0.0)[0], grid)
    assert evaluate_grids(lookup(wave(4)), 4, 0, 0.0, batch=0).shape == (0, 5, 5, 5)


def test_infinite_values_and_half(kernels):
    values = wave(16).sign() * math.inf
    grid = evaluate_grids(lookup(values.half()), 4, 2, 0.0)[0]
    assert torch.equal(grid > 0, values > 0)


def test_bad_arguments_are_named(kernels):
    with pytest.raises(ValueError, match="resolution: expected 1 to 1024, found 0"):
        MISE(0, 2, 0.0)
    with pytest.raises(ValueError, match="depth: .*up to 1024, found 2048"):
        MISE(512, 2, 0.0)
    with pytest.raises(TypeError, match="threshold: expected a float, found str"):
        MISE(4, 2, "0")
    with pytest.raises(ValueError, match="threshold: .*finite.*nan"):
        MISE(4, 2, math.nan)
    extraction = MISE(2, 1, 0.0)
    with pytest.raises(ValueError, match="values: expected 1 parts, found 2"):
        extraction.update([torch.zeros(27)] * 2)
    with pytest.raises(ValueError, match=r"values\[0\]: .*\(27,\), found \(3,\)"):
        extraction.update([torch.zeros(3)])
    with pytest.raises(ValueError, match=r"values\[0\]: .*NaN"):
        extraction.update([torch.full((27,), math.nan)])
    with pytest.raises(TypeError, match=r"values\[0\]: .*int64"):
        extraction.update([torch.zeros(27).long()])


def test_schemas(compiled):
    twin = MISE(4, 2, 0.0)
    bits, dense, points = twin._bits[0], twin._dense[0], twin.query()[0]
    values = wave(16)[tuple(points.T)]
    ops = torch.ops.svr3d
    torch.library.opcheck(ops.mise_store, (bits, dense, points, values, 0.0))
    ops.mise_store(bits, dense, points, values, 0.0)
    torch.library.opcheck(ops.mise_split, (bits, twin._voxels[0]))
    torch.library.opcheck(ops.mise_fill, (bits, dense, torch.zeros_like(dense)))


def test_direct_calls_are_checked_too(compiled):
    twin, ops = MISE(4, 2, 0.0), torch.ops.svr3d
    bits, dense, points = twin._bits[0], twin._dense[0], twin.query()[0]
    with pytest.raises(RuntimeError, match="points must lie in 0 to 16, found 17"):
        ops.mise_store(bits, dense, points + 1, torch.zeros(125).double(), 0.0)
    with pytest.raises(RuntimeError, match="voxels must lie in the grid"):
        ops.mise_split(bits, twin._voxels[0] + 1)
    with pytest.raises(RuntimeError, match="bits must have shape"):
        ops.mise_fill(bits[..., :0], dense, dense.clone())
