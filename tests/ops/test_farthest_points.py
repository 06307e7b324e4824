# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch

from svr3d.ops import farthest_points
from svr3d.ops._torch.farthest_points import farthest_points_torch


def reference(cloud: np.ndarray, count: int, start: int) -> list[int]:
    picked = [start]
    while len(picked) < count:
        distances = ((cloud[:, None] - cloud[picked]) ** 2).sum(-1).min(1)
        picked.append(int(distances.argmax()))
    return picked


def test_a_line_is_halved_again_and_again():
    line = torch.zeros(1, 9, 3)
    line[0, :, 0] = torch.arange(9.0)
    assert farthest_points(line, 5).tolist() == [[0, 8, 4, 2, 6]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_the_definition_and_the_twin(dtype):
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(3, 200, 3, generator=generator, dtype=dtype)
    found = farthest_points(points, 40, start=7)
    for cloud, row in zip(points.numpy(), found.tolist(), strict=True):
        assert row == reference(cloud, 40, 7)
    twin = farthest_points_torch(points, torch.full((3,), 200), 40, 7)
    assert torch.equal(found, twin)


def test_ragged_clouds_ignore_the_padding():
    points = torch.rand(2, 50, 3, generator=torch.Generator().manual_seed(1))
    points[1, 20:] = 100
    lengths = torch.tensor([50, 20])
    found = farthest_points(points, 20, lengths=lengths)
    assert sorted(found[1].tolist()) == list(range(20))
    assert found[1].tolist() == reference(points[1, :20].numpy(), 20, 0)
    assert torch.equal(found, farthest_points_torch(points, lengths, 20, 0))


def test_more_picks_than_points_repeat_index_zero():
    points = torch.rand(1, 3, 3, generator=torch.Generator().manual_seed(2))
    for sample in (farthest_points(points, 5, start=1)[0].tolist(),):
        assert sorted(sample[:3]) == [0, 1, 2]
        assert sample[3:] == [0, 0]


def test_empty_half_and_non_contiguous_input():
    assert farthest_points(torch.zeros(0, 5, 3), 2).shape == (0, 2)
    assert farthest_points(torch.zeros(2, 0, 3), 0).shape == (2, 0)
    points = torch.rand(3, 30, 2, generator=torch.Generator().manual_seed(3))
    view = points.permute(2, 1, 0)
    assert torch.equal(farthest_points(view, 9), farthest_points(view.contiguous(), 9))
    half = view.half()
    assert torch.equal(farthest_points(half, 9), farthest_points(half.float(), 9))


def test_results_do_not_depend_on_the_number_of_threads():
    points = torch.rand(5, 300, 3, generator=torch.Generator().manual_seed(4))
    threads = torch.get_num_threads()
    results = []
    for number in (1, 2, 3):
        torch.set_num_threads(number)
        results.append(farthest_points(points, 50))
    torch.set_num_threads(threads)
    assert all(torch.equal(results[0], other) for other in results[1:])


def test_bad_arguments_are_named():
    points = torch.rand(2, 5, 3)
    with pytest.raises(ValueError, match=r"points: expected shape \(B, N, 3\)"):
        farthest_points(points[0], 2)
    with pytest.raises(ValueError, match="start: expected an index below 5"):
        farthest_points(points, 2, start=5)
    with pytest.raises(ValueError, match="lengths: expected 0 to 5, found 6"):
        farthest_points(points, 2, lengths=torch.tensor([1, 6]))
    with pytest.raises(ValueError, match="NaN"):
        farthest_points(points * float("nan"), 2)
    with pytest.raises(TypeError, match="lengths: expected an integer dtype"):
        farthest_points(points, 2, lengths=torch.tensor([1.0, 2.0]))


def test_schema_and_compilation(compiled):
    points = torch.rand(2, 20, 3, generator=torch.Generator().manual_seed(5))
    arguments = (points, torch.tensor([20, 20]), 6, 0)
    torch.library.opcheck(torch.ops.svr3d.farthest_points, arguments)
    compiled = torch.compile(farthest_points, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(points, 6), farthest_points(points, 6))
