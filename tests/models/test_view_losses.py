# SPDX-License-Identifier: Apache-2.0
"""Options of losses on drawn views that no recorded run shows."""

import math

import pytest
import torch

from svr3d.models.losses import (
    ImageDifference,
    MirrorSymmetry,
    PoseCycle,
    ShapeCycle,
    SilhouetteAffinity,
    SilhouetteBCE,
    SilhouetteChamfer,
)
from svr3d.ops import chamfer_distance


def test_cycles_of_all_and_of_adjacent_views():
    clouds = torch.rand(2, 4, 20, 3)
    outputs = {"points": clouds[:, 0], "cycle_points": clouds[:, 1:]}
    first = [chamfer_distance(clouds[:, 0], clouds[:, v]) for v in (1, 2, 3)]
    steps = [chamfer_distance(clouds[:, v], clouds[:, v + 1]) for v in (0, 1, 2)]
    for part, expected in (
        (ShapeCycle(), sum(first[:2])),
        (ShapeCycle(2.0, all_views=True), 2 * sum(first)),
        (ShapeCycle(reference="adjacent"), sum(steps)),
    ):
        torch.testing.assert_close(part(outputs, {}), expected)
    alone = {"points": clouds[:, 0], "cycle_points": clouds[:, 1:2]}
    assert ShapeCycle()(alone, {}) == 0


def test_azimuths_around_the_circle():
    found = torch.tensor([[[math.pi - 0.1, 3.0]]], requires_grad=True)
    outputs = {"random_poses": torch.tensor([[[-math.pi + 0.1, -3.0]]])}
    outputs["cycle_poses"] = found
    assert PoseCycle()(outputs, {}).item() == pytest.approx(math.pi + 2.9)
    value = PoseCycle(wrap=True)(outputs, {})
    assert value.item() == pytest.approx((0.2 + 6.0) / 2, abs=1e-5)
    value.backward()
    assert found.grad.flatten().tolist() == [-0.5, 0.5]


def test_bounded_cross_entropy_is_finite_and_least_at_the_mask():
    target = torch.tensor([0.0, 1.0]).repeat(8, 1).view(1, 1, 4, 4)
    found = (1 - target).requires_grad_()
    part = SilhouetteBCE(form="bounded")
    value = part({"silhouettes": found}, {"masks": target})
    (slope,) = torch.autograd.grad(value, found)
    assert value.item() == pytest.approx(math.log(1e3), rel=1e-3)
    assert torch.isfinite(slope).all() and float((slope * (target - found)).max()) < 0
    assert part({"silhouettes": target}, {"masks": target}) < 2e-3


def test_points_are_pulled_to_masks_from_anywhere():
    masks = torch.zeros(2, 1, 16, 16)
    masks[0, 0, 3, 4:6] = 1  # The other mask is empty and counts nothing.
    pixels = torch.tensor([[3.0, 4.0], [15.0, 15.0]]).repeat(2, 1, 1, 1)
    pixels.requires_grad_()
    value = SilhouetteChamfer(2.0)({"pixels": pixels}, {"masks": masks})
    (slope,) = torch.autograd.grad(value, pixels)
    away, empty = (12**2 + 10**2) / 2, 1 / 2
    assert value.item() == pytest.approx((away + empty) / 16**2, rel=1e-5)
    # A step against the slope brings the far point up and left, the near one right.
    assert slope[0, 0, 1].min() > 0 > slope[0, 0, 0, 1]
    assert slope[1].abs().max() == 0
    everywhere = SilhouetteChamfer()(
        {"pixels": torch.cartesian_prod(*[torch.arange(16.0)] * 2)[None, None]},
        {"masks": torch.ones(1, 1, 1, 16, 16)},
    )
    assert everywhere == 0
    with pytest.raises(ValueError, match=r"'masks' of shape \(2, 1, H, W\)"):
        SilhouetteChamfer()({"pixels": pixels}, {"masks": masks[:1]})


def test_mirrored_clouds_are_symmetric_along_their_axis_alone():
    half = torch.rand(1, 30, 3) + 0.1
    cloud = torch.cat([half, half * torch.tensor([1.0, 1.0, -1.0])], dim=1)
    values = [MirrorSymmetry(axis=axis)({"points": cloud}, {}) for axis in "xyz"]
    assert values[2] < 1e-10 < 0.01 < min(values[:2])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SilhouetteBCE(form="hinge"), "form"),
        (lambda: SilhouetteAffinity("sideways"), "direction"),
        (lambda: ImageDifference(norm="l3"), "norm"),
        (lambda: PoseCycle(norm="l3"), "norm"),
        (lambda: ShapeCycle(reference="last"), "reference"),
        (lambda: MirrorSymmetry(axis="w"), "axis"),
    ],
)
def test_unknown_words(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_is_missing_is_named():
    masks = torch.zeros(1, 1, 4, 4)
    with pytest.raises(ValueError, match="'silhouettes' in the outputs"):
        SilhouetteBCE()({}, {"masks": masks})
    with pytest.raises(ValueError, match=r"'masks' of shape \(1, 2, 4, 4\)"):
        SilhouetteBCE()({"silhouettes": masks.repeat(1, 2, 1, 1)}, {"masks": masks})
    with pytest.raises(ValueError, match="'images' of shape"):
        ImageDifference()({"drawn_images": masks[None]}, {"images": masks})
