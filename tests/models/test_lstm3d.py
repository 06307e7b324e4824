# SPDX-License-Identifier: Apache-2.0
"""Fusion of views by a long short-term memory on a grid."""

import pytest
import torch
from torch.nn import functional as F

from svr3d.models.fusion import LSTM3D


def unit(**settings):
    torch.manual_seed(0)
    return LSTM3D(6, channels=3, grid_size=2, **settings)


def features(views=3):
    return torch.randn(2, views, 6, generator=torch.Generator().manual_seed(views))


@pytest.mark.parametrize("kernel", [1, 3])
def test_merged_gates_equal_the_paper_s_equations(kernel):
    model = unit(kernel_size=kernel)
    with torch.no_grad():
        model.gate_bias.copy_(torch.randn(9))
    x = features()
    maps = model.input_map.weight.chunk(3)
    convs = model.gates_conv.weight.chunk(3)
    biases = model.gate_bias.view(3, 3, 1, 1, 1)
    hidden = memory = torch.zeros(2, 3, 2, 2, 2)

    def gate(index, value):
        mapped = F.linear(value, maps[index]).view_as(hidden)
        recurrent = F.conv3d(hidden, convs[index], padding=kernel // 2)
        return mapped + recurrent + biases[index]

    for view, state in enumerate(model.states(x)):
        forget, write, candidate = (gate(index, x[:, view]) for index in range(3))
        memory = torch.sigmoid(forget) * memory
        memory = memory + torch.sigmoid(write) * torch.tanh(candidate)
        hidden = torch.tanh(memory)
        torch.testing.assert_close(state.memory, memory)
        torch.testing.assert_close(state.hidden, hidden)
    torch.testing.assert_close(model(x), hidden)


def test_order_of_the_views_matters():
    x = features()
    assert not torch.allclose(unit()(x), unit()(x.flip(1)))


@pytest.mark.parametrize("views", [1, 4])
def test_every_parameter_has_a_gradient(views):
    model = unit()
    model(features(views)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
    assert bool(model.gates_conv.weight.grad.any()) == (views > 1)


def test_gate_bias_can_be_a_constant():
    assert "gate_bias" not in unit(trainable_gate_bias=False).state_dict()
    torch.testing.assert_close(
        unit(trainable_gate_bias=False)(features()), unit()(features())
    )
