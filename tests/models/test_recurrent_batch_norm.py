# SPDX-License-Identifier: Apache-2.0
"""Batch norm with statistics per step."""

import pytest
import torch
from torch.nn import functional as F

from svr3d.models.layers import RecurrentBatchNorm


@pytest.fixture
def x():
    generator = torch.Generator().manual_seed(0)
    scale = torch.tensor([1.0, 3.0, 0.2]).view(1, 3, 1, 1, 1, 1)
    return torch.randn(4, 3, 5, 2, 2, 2, generator=generator) * scale + 1


def test_each_step_is_normalised_by_its_own_batch(x):
    norm = RecurrentBatchNorm(5, 3, initial_weight=1.0)
    y = norm.forward_steps(x)
    for step in range(3):
        expected = F.batch_norm(x[:, step], None, None, training=True)
        torch.testing.assert_close(y[:, step], expected, rtol=1e-5, atol=1e-5)


def test_steps_together_equal_steps_apart(x):
    together, apart = RecurrentBatchNorm(5, 2), RecurrentBatchNorm(5, 2)
    for training in (True, False):
        together.train(training)
        apart.train(training)
        y = together.forward_steps(x)
        for step in range(3):
            torch.testing.assert_close(y[:, step], apart(x[:, step], step))
    torch.testing.assert_close(together.running_mean, apart.running_mean)
    torch.testing.assert_close(together.running_var, apart.running_var)


def test_running_statistics(x):
    norm = RecurrentBatchNorm(5, 2, momentum=0.25, unbiased_variance=False)
    norm(x[:, 1], 1)
    mean = x[:, 1].mean(dim=(0, 2, 3, 4))
    var = x[:, 1].var(dim=(0, 2, 3, 4), correction=0)
    torch.testing.assert_close(norm.running_mean[1], 0.25 * mean)
    torch.testing.assert_close(norm.running_var[1], 0.75 + 0.25 * var)
    assert torch.equal(norm.running_mean[0], torch.zeros(5))
    assert torch.equal(norm.running_var[0], torch.ones(5))


def test_evaluation_leaves_statistics_alone(x):
    norm = RecurrentBatchNorm(5, 3).eval()
    y = norm(x[:, 0], 0)
    torch.testing.assert_close(y, x[:, 0] * 0.1 / (1 + 1e-5) ** 0.5)
    assert torch.equal(norm.running_mean, torch.zeros(3, 5))


def test_gradient(x):
    norm = RecurrentBatchNorm(5, 3, initial_weight=0.7).double()
    x = x.double()[:2, :, :, :1].requires_grad_()
    norm.momentum = 0.0
    assert torch.autograd.gradcheck(norm.forward_steps, (x,))


def test_no_step_is_an_error():
    with pytest.raises(ValueError, match="max_steps"):
        RecurrentBatchNorm(5, 0)
