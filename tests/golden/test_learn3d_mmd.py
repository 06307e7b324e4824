# SPDX-License-Identifier: Apache-2.0
"""The discrepancy of codes against the recorded one."""

import numpy as np
import pytest
import torch

from svr3d.analysis.mmd import (
    gaussian_kernels,
    mean_of_pairs,
    mmd_rbf,
    pairwise_mmd,
)

TOLERANCE = dict(rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def case(golden, golden_dir):
    return golden.load(golden_dir / "learn3d" / "mmd")


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("bandwidth", [None, 2.0])
def test_two_sets(case, number, bandwidth):
    inputs, outputs = case[0], case[1]
    source, target = (
        torch.from_numpy(inputs[f"{name}{number}"]) for name in ("source", "target")
    )
    found = mmd_rbf(source, target, bandwidth=bandwidth)
    key = f"mmd{number}" + ("" if bandwidth is None else ".fix_sigma2")
    np.testing.assert_allclose(found.numpy(), outputs[key], **TOLERANCE)


@pytest.mark.parametrize("number", [0, 1])
def test_kernels(case, number):
    inputs, outputs = case[0], case[1]
    source, target = (
        torch.from_numpy(inputs[f"{name}{number}"]) for name in ("source", "target")
    )
    found = gaussian_kernels(source, target)
    np.testing.assert_allclose(found.numpy(), outputs[f"kernel{number}"], **TOLERANCE)


def test_all_pairs_of_views(case):
    features = torch.from_numpy(case[0]["features"]).unflatten(0, (-1, 6))
    matrix = pairwise_mmd(features.unbind(1))
    rows, columns = torch.triu_indices(6, 6, offset=1)
    expected = case[1]["pairwise"]
    np.testing.assert_allclose(matrix[rows, columns], expected, **TOLERANCE)
    assert torch.equal(matrix, matrix.T) and not matrix.diagonal().any()
    np.testing.assert_allclose(mean_of_pairs(matrix), case[1]["mean_mmd"], **TOLERANCE)
