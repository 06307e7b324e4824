# SPDX-License-Identifier: Apache-2.0
"""The validation loss of occupancy fields."""

import math

import pytest
import torch

from svr3d.metrics import OccupancyLoss
from svr3d.structures import OccupancyField, Voxels


def balls(radii):
    return OccupancyField(
        torch.tensor(radii)[:, None],
        lambda codes, points: torch.sigmoid((codes - points.norm(dim=-1)) * 20),
        decode_logits=lambda codes, points: (codes - points.norm(dim=-1)) * 20,
    )


def evaluate(metric, field, batch):
    metric.process(batch, list(field))
    return metric.evaluate(len(field))


def make_batch(points=50):
    points = torch.rand(2, points, 3) - 0.5
    return {"points": points, "occupancies": (points.norm(dim=-1) < 0.3).float()}


def test_loss_sums_over_points_and_averages_over_samples():
    batch = make_batch()
    flat = OccupancyField(torch.zeros(2, 1), lambda c, p: p[..., 0] * 0 + 0.5)
    found = evaluate(OccupancyLoss(), flat, batch)
    assert found["occupancy/loss"] == pytest.approx(50 * math.log(2), rel=1e-5)
    assert found["occupancy/rec_error"] == found["occupancy/loss"]
    assert found["occupancy/kl"] == 0
    found = evaluate(OccupancyLoss(reduction="mean"), flat, batch)
    assert found["occupancy/loss"] == pytest.approx(math.log(2), rel=1e-5)


def test_right_shapes_cost_less_and_are_more_accurate():
    batch = make_batch()
    right, wrong = (
        evaluate(OccupancyLoss(), balls(radii), batch)
        for radii in ([0.325, 0.325], [0.1, 0.6])
    )
    assert right["occupancy/loss"] < 0.5 * wrong["occupancy/loss"]
    # A logit of 0.5 is reached at the radius 0.3.
    assert right["occupancy/logit_accuracy"] == 1 > wrong["occupancy/logit_accuracy"]


def test_unusable_input_is_refused():
    with pytest.raises(ValueError, match="expected 'points' in the batch"):
        OccupancyLoss().process({"images": []}, [])
    with pytest.raises(ValueError, match="expected occupancy fields, found Voxels"):
        OccupancyLoss().process(make_batch(), list(Voxels(torch.zeros(2, 4, 4, 4))))
    with pytest.raises(ValueError, match="'sum' or 'mean', found 'max'"):
        OccupancyLoss(reduction="max")
