# SPDX-License-Identifier: Apache-2.0
"""Alignment and distances of ssl3d against what its programs computed."""

import numpy as np
import pytest
import torch

from svr3d.geometry.pose_camera import from_pose_axes, pose_rotation
from svr3d.geometry.rotations import axis_rotation
from svr3d.metrics.aligned_point_distances import to_unit_box
from svr3d.metrics.alignment import PUBLISHED_START, align_by_descent, align_by_search
from svr3d.metrics.cloud_distances import cloud_distances
from svr3d.metrics.point_distances import point_scores


@pytest.fixture(scope="module")
def alignment(golden, golden_dir):
    return golden.load(golden_dir / "ssl3d" / "alignment")


@pytest.fixture(scope="module")
def descent(alignment):
    clouds = (torch.from_numpy(alignment[0][name]) for name in ("pred", "gt"))
    return align_by_descent(*clouds, iterations=301, seed=None)


def test_alignment(alignment, descent):
    given, expected = alignment
    predicted, found = torch.from_numpy(given["pred"]), descent
    start, end = (
        pose_rotation(torch.deg2rad(torch.as_tensor(angles)))
        for angles in (torch.tensor(PUBLISHED_START), found.steps[300, :3])
    )
    np.testing.assert_allclose(start, expected["rotmat_start"], atol=1e-6)
    np.testing.assert_allclose(end, expected["rotmat_end"], atol=4e-4)
    angles = found.steps[1:302:10, :3][:30]  # after every tenth step
    np.testing.assert_allclose(angles, expected["angles_deg"], atol=0.02)
    loss = found.steps[0:300:10, 3]
    np.testing.assert_allclose(loss, expected["loss"], rtol=1e-2)
    aligned = predicted[:, ::4] @ end.T
    np.testing.assert_allclose(aligned, expected["aligned"], atol=4e-4)


def test_search_is_no_worse(alignment, descent):
    given, _ = alignment
    predicted, target = (torch.from_numpy(given[name]) for name in ("pred", "gt"))
    assert align_by_search(predicted, target).chamfer <= descent.chamfer


def test_checked_rotation(alignment):
    angles = torch.deg2rad(torch.tensor([60.0, 30.0, 0.0]))
    expected = alignment[1]["rotmat_check"]
    np.testing.assert_allclose(pose_rotation(angles), expected, atol=1e-6)
    np.testing.assert_allclose(pose_rotation(angles[:2]), expected, atol=1e-6)


def test_eval_metrics(golden, golden_dir):
    given, expected = golden.load(golden_dir / "ssl3d" / "eval_metrics")
    target = to_unit_box(torch.from_numpy(given["gt"]))
    predicted = to_unit_box(torch.from_numpy(given["pred"]), clip=0.5)
    tolerance = {"rtol": 1e-5, "atol": 1e-6}
    np.testing.assert_allclose(target, expected["gt_scaled"], **tolerance)
    np.testing.assert_allclose(predicted, expected["pred_scaled"], **tolerance)
    scores = [point_scores(d, 0.001) for d in cloud_distances(predicted, target)]
    names = {"fwd": "completeness2", "bwd": "accuracy2", "chamfer": "chamfer"}
    for name, ours in names.items():
        found = [score[ours] for score in scores]
        np.testing.assert_allclose(found, expected[name], **tolerance)


def test_evaluation_frames(golden, golden_dir):
    given, expected = golden.load(golden_dir / "ssl3d" / "eval_metrics")
    cloud = torch.from_numpy(given["pred"][0]).double()
    tolerance = {"rtol": 1e-5, "atol": 1e-6}
    rotated = from_pose_axes(cloud)
    np.testing.assert_allclose(rotated, expected["rotated"], **tolerance)
    x, y = torch.deg2rad(torch.tensor([30.0, -20.0], dtype=torch.float64))
    back = cloud @ axis_rotation(1, y) @ axis_rotation(0, x)
    np.testing.assert_allclose(back, expected["rotated_inv"], **tolerance)
