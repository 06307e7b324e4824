# SPDX-License-Identifier: Apache-2.0
"""Soft intersection over union at points."""

import pytest
import torch

from svr3d.models.losses import OccupancyBCE, OccupancySoftIoU, VoxelSoftIoU


def test_certain_answers_give_the_iou():
    labels = torch.tensor([[1.0, 1, 0, 0], [1, 0, 0, 0]])
    logits = torch.tensor([[1.0, -1, 1, -1], [1, -1, -1, -1]]) * 60
    loss = OccupancySoftIoU(weight=2.0, smooth=1e-6)
    found = loss({"logits": logits}, {"occupancies": labels})
    # One of three, and all: the mean of 2/3 and 0.
    assert found.item() == pytest.approx(2 * (2 / 3) / 2, abs=1e-5)


def test_it_is_the_loss_on_voxels_of_the_same_answers():
    logits = torch.randn(3, 4, 4, 4)
    labels = (torch.rand(3, 4, 4, 4) > 0.6).float()
    at_points = OccupancySoftIoU(smooth=0.5)(
        {"logits": logits.flatten(1)}, {"occupancies": labels.flatten(1)}
    )
    in_cells = VoxelSoftIoU(smooth=0.5)({"logits": logits}, {"voxels": labels})
    assert torch.equal(at_points, in_cells)


def test_gradient_in_double_precision_and_float32_sums():
    labels = (torch.rand(2, 9) > 0.5).float()
    logits = torch.randn(2, 9, requires_grad=True)
    loss = OccupancySoftIoU()
    loss({"logits": logits}, {"occupancies": labels}).backward()
    step = 1e-2
    for place in ((0, 0), (1, 8)):
        moved = logits.detach().repeat(2, 1, 1)
        moved[0][place] += step
        moved[1][place] -= step
        values = [loss({"logits": m}, {"occupancies": labels}) for m in moved]
        slope = (values[0] - values[1]) / (2 * step)
        assert slope.item() == pytest.approx(logits.grad[place].item(), rel=1e-2)
    low = loss({"logits": logits.bfloat16()}, {"occupancies": labels})
    assert low.dtype == torch.float32


@pytest.mark.parametrize("kind", [OccupancyBCE, OccupancySoftIoU])
def test_missing_or_misshapen_labels_are_named(kind):
    outputs = {"logits": torch.zeros(2, 5)}
    with pytest.raises(ValueError, match=f"{kind.__name__}: expected 'occupancies'"):
        kind()(outputs, {"points": torch.zeros(2, 5, 3)})
    with pytest.raises(ValueError, match=r"shape \(2, 5\).*found \(2, 4\)"):
        kind()(outputs, {"occupancies": torch.zeros(2, 4)})


def test_smoothing_must_be_positive():
    with pytest.raises(ValueError, match="smooth to be positive, found 0"):
        OccupancySoftIoU(smooth=0)
