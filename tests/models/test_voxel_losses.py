# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from svr3d.models.losses import VoxelBCE, VoxelSoftIoU


def grid(*cells):
    voxels = torch.zeros(1, 4, 4, 4, dtype=torch.uint8)
    for cell in cells:
        voxels[(0, *cell)] = 1
    return voxels


def test_soft_iou_of_binary_grids_is_the_iou():
    predicted = torch.cat([grid((0, 0, 0), (1, 1, 1)), grid((2, 2, 2))])
    target = torch.cat([grid((0, 0, 0), (3, 3, 3)), grid((2, 2, 2))])
    loss = VoxelSoftIoU(weight=3.0, smooth=1e-6)
    found = loss({"probabilities": predicted.float()}, {"voxels": target})
    assert found.item() == pytest.approx(3 * (2 / 3 + 0) / 2, abs=1e-5)


def test_soft_iou_weighs_objects_alike_whatever_their_size():
    thin, thick = grid((0, 0, 0)), torch.ones(1, 4, 4, 4, dtype=torch.uint8)
    loss = VoxelSoftIoU(smooth=1e-6)
    outputs = {"probabilities": torch.full((1, 4, 4, 4), 1e-9)}
    missed = [loss(outputs, {"voxels": target}).item() for target in (thin, thick)]
    assert missed == pytest.approx([1, 1], abs=1e-4)


def test_empty_objects_cost_nothing_when_predicted_empty():
    outputs = {"logits": torch.full((2, 4, 4, 4), -40.0, requires_grad=True)}
    found = VoxelSoftIoU()(outputs, {"voxels": torch.zeros(2, 4, 4, 4)})
    found.backward()
    assert found.item() == pytest.approx(0, abs=1e-6)
    assert torch.isfinite(outputs["logits"].grad).all()


def test_soft_iou_gradient_in_double_precision():
    target = (torch.rand(2, 3, 3, 3) > 0.5).to(torch.uint8)

    def value(logits):
        probabilities = torch.sigmoid(logits)
        shared = (probabilities * target).flatten(1).sum(1)
        union = (probabilities + target).flatten(1).sum(1) - shared
        return (1 - (shared + 1) / (union + 1)).mean()

    logits = torch.randn(2, 3, 3, 3, requires_grad=True)
    loss = VoxelSoftIoU()({"logits": logits}, {"voxels": target})
    (found,) = torch.autograd.grad(loss, logits)
    doubled = logits.detach().double().requires_grad_()
    (expected,) = torch.autograd.grad(value(doubled), doubled)
    torch.testing.assert_close(found, expected.float())


@pytest.mark.parametrize("part", [VoxelBCE, VoxelSoftIoU])
def test_shapes_must_agree(part):
    outputs = {"logits": torch.zeros(1, 4, 4, 4)}
    with pytest.raises(ValueError, match=rf"{part.__name__}: expected voxels of shape"):
        part()(outputs, {"voxels": torch.zeros(1, 8, 8, 8)})


def test_smooth_must_be_positive():
    with pytest.raises(ValueError, match="expected smooth to be positive, found 0"):
        VoxelSoftIoU(smooth=0)
