# SPDX-License-Identifier: Apache-2.0
from copy import deepcopy as copy_of

import pytest
import torch
from mmengine.registry import OPTIMIZERS
from torch import nn

from svr3d.engine.conv_muon import ConvMuon, orthogonalize


@pytest.mark.parametrize("shape", [(8, 8), (4, 30), (30, 4)])
def test_singular_values_come_near_one(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    found = orthogonalize(1000 * matrix)
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.6
    assert values.max() < 1.25
    # Same singular vectors: U^T X V is diagonal.
    inner = u.T @ found @ v.T
    assert (inner - torch.diag(inner.diag())).abs().max() < 1e-3


def test_steps_of_a_matrix_are_those_of_torch():
    """Torch iterates in bfloat16, hence the tolerance."""
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(6, 10, generator=generator)
    ours, theirs = (nn.Parameter(start.clone()) for _ in range(2))
    settings = dict(lr=0.02, momentum=0.9)
    optimizers = [
        ConvMuon([ours], **settings),
        torch.optim.Muon([theirs], weight_decay=0.0, **settings),
    ]
    for _ in range(4):
        ours.grad = torch.randn(6, 10, generator=generator)
        theirs.grad = ours.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    moved = (theirs - start).norm()
    assert (ours - theirs).norm() < 0.02 * moved


def test_vectors_and_large_matrices_take_the_steps_of_adam():
    generator = torch.Generator().manual_seed(2)
    shapes = [(5,), (1, 7), (7, 1), (20, 30)]
    ours = [nn.Parameter(torch.randn(s, generator=generator)) for s in shapes]
    theirs = [nn.Parameter(p.detach().clone()) for p in ours]
    muon = ConvMuon(ours, lr=0.1, adam_ratio=0.2, largest_matrix=500)
    adam = torch.optim.Adam(theirs, lr=0.02, betas=(0.9, 0.99))
    for _ in range(5):
        for left, right in zip(ours, theirs, strict=True):
            left.grad = torch.randn(left.shape, generator=generator)
            right.grad = left.grad.clone()
        muon.step()
        adam.step()
    for left, right in zip(ours, theirs, strict=True):
        torch.testing.assert_close(left, right)


def test_convolutions_count_as_matrices_of_output_rows():
    generator = torch.Generator().manual_seed(3)
    kernel = nn.Parameter(torch.randn(4, 2, 3, 3, 3, generator=generator))
    matrix = nn.Parameter(kernel.detach().reshape(4, -1).clone())
    kernel.grad = torch.randn(kernel.shape, generator=generator)
    matrix.grad = kernel.grad.reshape(4, -1).clone()
    for weight in (kernel, matrix):
        ConvMuon([weight]).step()
    torch.testing.assert_close(kernel.reshape(4, -1), matrix)
    channels_last = nn.Parameter(
        torch.randn(4, 2, 3, 3).to(memory_format=torch.channels_last)
    )
    channels_last.grad = torch.ones_like(channels_last)
    before = channels_last.detach().clone()
    ConvMuon([channels_last]).step()
    assert not torch.equal(before, channels_last)


def test_resuming_continues_bit_for_bit():
    generator = torch.Generator().manual_seed(4)
    gradients = torch.randn(6, 3, 5, generator=generator)
    straight = nn.Parameter(torch.ones(3, 5))
    optimizer = ConvMuon([straight])
    for number, gradient in enumerate(gradients):
        if number == 3:
            copy = nn.Parameter(straight.detach().clone())
            resumed = ConvMuon([copy])
            resumed.load_state_dict(copy_of(optimizer.state_dict()))
        straight.grad = gradient.clone()
        optimizer.step()
    for gradient in gradients[3:]:
        copy.grad = gradient.clone()
        resumed.step()
    assert torch.equal(straight, copy)


def test_parameters_without_gradient_stay():
    weight = nn.Parameter(torch.ones(3, 3))
    ConvMuon([weight]).step()
    assert torch.equal(weight, torch.ones(3, 3))


def test_a_config_can_name_it_and_bad_values_are_refused():
    weight = nn.Parameter(torch.ones(3, 3))
    built = OPTIMIZERS.build(dict(type="ConvMuon", params=[weight], lr=0.01))
    assert built.param_groups[0]["lr"] == 0.01
    with pytest.raises(
        ValueError, match="expected momentum from 0 to below 1, found 1"
    ):
        ConvMuon([weight], momentum=1.0)
    with pytest.raises(ValueError, match="expected lr and adam_ratio of 0 or more"):
        ConvMuon([weight], lr=-1.0)
