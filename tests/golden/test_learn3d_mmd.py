# SPDX-License-Identifier: Apache-2.0
"""The discrepancy of codes against the recorded one."""

import json

import numpy as np
import pytest
import torch
from learn3d_cases import load_parts

from svr3d.analysis.codes import CodeTable
from svr3d.analysis.mmd import (
    gaussian_kernels,
    mean_of_pairs,
    mmd_rbf,
    pairwise_mmd,
)
from svr3d.analysis.view_domains import measure_domains
from svr3d.models.backbones import StridedConvEncoder

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


RUNS = {"train_featgan": 0, "train_featgan_642": 3}


@pytest.mark.parametrize("name", RUNS)
@torch.no_grad()
def test_figure_of_a_training(golden, golden_dir, name):
    """What the program's validation measured of codes of all 24 views."""
    folder = golden_dir / "learn3d" / name
    given, expected = golden.load(folder)
    entries = json.loads((folder / "state.json").read_text())
    state = {
        key: golden.fill(key, tuple(shape), kind, RUNS[name])
        for key, shape, kind in entries
        if key.startswith("E.")
    }
    features = len(state["E.shapeLayer.bias"])
    backbone = StridedConvEncoder(features).eval()
    load_parts(state, "", backbone=backbone)
    images = torch.from_numpy(given["images"])
    objects, views = images.shape[:2]
    codes = backbone(images.flatten(0, 1).float() / 255).numpy()
    table = CodeTable(
        codes=codes,
        views=np.tile(np.arange(views), objects),
        azimuths=np.full(len(codes), np.nan),
        categories=np.zeros(len(codes), np.int64),
        sample_ids=[f"a/{n // views}_{n % views:02d}" for n in range(len(codes))],
    )
    if objects > 1:
        found = measure_domains(table, chance_seed=None).mean
    else:  # sets of one code, which the program compares too
        found = mean_of_pairs(pairwise_mmd(torch.from_numpy(codes).split(1)))
    wanted = expected["log.IoU_loss.MMD_val"][:, 1]
    np.testing.assert_allclose([found] * len(wanted), wanted, rtol=1e-3)
