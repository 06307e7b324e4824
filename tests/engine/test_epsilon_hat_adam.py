# SPDX-License-Identifier: Apache-2.0
"""Adam with its small constant beside the uncorrected second moment."""

import math

import pytest
import torch

from svr3d.engine.epsilon_hat_adam import EpsilonHatAdam

EPS = 0.5


def test_first_step_by_hand():
    weight = torch.nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    optimizer = EpsilonHatAdam([weight], lr=0.1, eps=EPS, weight_decay=0.25)
    weight.grad = torch.tensor([1.5], dtype=torch.float64)
    optimizer.step()
    gradient = 1.5 + 0.25 * 2
    m, v = 0.1 * gradient, 0.001 * gradient**2
    rate = 0.1 * math.sqrt(0.001) / 0.1
    expected = 2.0 - rate * m / (math.sqrt(v) + EPS)
    assert weight.item() == pytest.approx(expected, rel=1e-12)
    assert optimizer.param_groups[0]["eps"] == EPS


def test_resumed_run_continues_alike():
    torch.manual_seed(0)
    gradients = torch.randn(6, 3)

    def run(weight, optimizer, part):
        for gradient in part:
            weight.grad = gradient.clone()
            optimizer.step()

    straight = torch.nn.Parameter(torch.ones(3))
    run(straight, EpsilonHatAdam([straight], eps=EPS), gradients)
    weight = torch.nn.Parameter(torch.ones(3))
    first = EpsilonHatAdam([weight], eps=EPS)
    run(weight, first, gradients[:2])
    second = EpsilonHatAdam([weight], eps=1.0)
    second.load_state_dict(first.state_dict())
    run(weight, second, gradients[2:])
    assert torch.equal(weight, straight)
