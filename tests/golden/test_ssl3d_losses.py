# SPDX-License-Identifier: Apache-2.0
"""The losses of self-supervised point clouds against recorded runs."""

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from ssl3d_cases import check

from svr3d.models.losses import (
    ImageDifference,
    MirrorSymmetry,
    PoseCycle,
    SilhouetteAffinity,
    SilhouetteBCE,
)
from svr3d.models.losses.image_difference import image_gradients, mean_difference


@pytest.fixture
def load(golden, golden_dir):
    """Return a function: case -> inputs as tensors, outputs."""

    def load(case):
        given, expected = golden.load(golden_dir / "ssl3d" / case)
        return {key: torch.from_numpy(value) for key, value in given.items()}, expected

    return load


def check_value(expected, key, value, leaf, *, atol=1e-9):
    np.testing.assert_allclose(value.detach(), expected[key], rtol=1e-5)
    (slope,) = torch.autograd.grad(value, leaf)
    check(expected, f"{key}.grad", slope, 1e-4, atol)


def test_affinity(load):
    given, expected = load("affinity_loss")
    found = given["pred"].requires_grad_()
    outputs, batch = {"silhouettes": found[:, None]}, {"masks": given["gt"][:, None]}
    bce = SilhouetteBCE()(outputs, batch)
    np.testing.assert_allclose(bce.detach(), expected["bce"], rtol=1e-5)
    for key, direction in (("fwd", "outside"), ("bwd", "uncovered")):
        value = SilhouetteAffinity(direction)(outputs, batch)
        np.testing.assert_allclose(value.detach(), expected[key], rtol=1e-4)
        (slope,) = torch.autograd.grad(value, found)
        # The program spreads the slope over all pixels where all tie.
        counts = found.detach() > 0 if key == "fwd" else torch.ones_like(found) > 0
        np.testing.assert_allclose(
            slope[counts], expected[f"{key}.grad"][counts.numpy()], rtol=1e-4
        )


@pytest.mark.parametrize(
    ("mode", "norm"), [("l2_sq", "squared"), ("l2", "l2"), ("l1", "l1")]
)
def test_images(load, mode, norm):
    given, expected = load("image_losses")
    found = given["pred_rgb"].requires_grad_()
    outputs, batch = (
        {key: value.permute(0, 3, 1, 2)[:, None]}
        for key, value in (("drawn_images", found), ("images", given["gt_rgb"]))
    )
    value = ImageDifference(norm=norm)(outputs, batch)
    check_value(expected, f"rgb.{mode}", value, found)
    if mode != "l2":
        found = given["pred_mask"].requires_grad_()
        value = mean_difference(found, given["gt_mask"], norm, dim=-1)
        check_value(expected, f"mask.{mode}", value, found)


@pytest.mark.parametrize(
    ("mode", "form"), [("bce", "logits"), ("bce_prob", "probabilities")]
)
def test_silhouettes(load, mode, form):
    given, expected = load("image_losses")
    found = given["pred_mask"].requires_grad_()
    batch = {"masks": given["gt_mask"][:, None, None]}
    value = SilhouetteBCE(form=form)({"silhouettes": found[:, None]}, batch)
    check_value(expected, f"mask.{mode}", value, found)


@pytest.mark.parametrize(
    ("mode", "norm"), [("l1", "l1"), ("l2_sq", "squared"), ("l2", "l2")]
)
def test_poses(load, mode, norm):
    given, expected = load("pose_loss")
    found = given["pred"].requires_grad_()
    outputs = {"random_poses": given["gt"], "cycle_poses": found}
    check_value(expected, mode, PoseCycle(norm=norm)(outputs, {}), found)


def test_symmetry(load):
    given, expected = load("symmetry_loss")
    points = given["xyz"].requires_grad_()
    value = MirrorSymmetry()({"points": points}, {})
    check_value(expected, "cc", value, points)


def test_image_gradients(load):
    given, expected = load("helpers")
    image = given["image"].permute(0, 3, 1, 2)
    for ours, key in zip(image_gradients(image), ("dy", "dx"), strict=True):
        np.testing.assert_allclose(ours.permute(0, 2, 3, 1), expected[key], atol=1e-6)
    target = image.flip(0, 2, 3)
    edges = ImageDifference(norm="l1", gradients=True)
    value = edges({"drawn_images": image[:, None]}, {"images": target[:, None] + 0.3})
    apart = [
        (one - other).abs().mean()
        for one, other in zip(*map(image_gradients, (image, target)), strict=True)
    ]
    torch.testing.assert_close(value, sum(apart).float() / 2)


def test_running_means(load):
    """The program's log has the means of its windows, as the log processor's."""
    given, expected = load("helpers")
    window = 4
    for column in range(given["values"].shape[1]):
        history = HistoryBuffer()
        for row, value in enumerate(given["values"][:, column].tolist()):
            history.update(value)
            found = history.mean(row % window + 1)
            np.testing.assert_allclose(found, expected["average_stats"][row, column])
