# SPDX-License-Identifier: Apache-2.0
"""Recurrent fusion of views."""

import pytest
import torch
from torch.nn import functional as F

from svr3d.models.fusion import GRU3D, MaxViewFusion, MeanViewFusion

SIZES = dict(channels=3, grid_size=2)


def unit(**settings):
    torch.manual_seed(0)
    return GRU3D(6, **{**SIZES, "max_views": 3, **settings})


def features(views=3, batch=2):
    return torch.randn(batch, views, 6, generator=torch.Generator().manual_seed(views))


def naive_states(model, x):
    """The equations of the paper's section 3.2 with single gates, without norms."""
    channels, size = model.channels, model.grid_size
    hidden = torch.zeros(len(x), channels, size, size, size)
    maps = model.input_map.weight.chunk(3)
    convs = [*model.gates_conv.weight.chunk(2), model.candidate_conv.weight]

    def gate(index, value, state):
        mapped = F.linear(value, maps[index]).view_as(state)
        return mapped + F.conv3d(state, convs[index], padding=1) + 0.1

    states = []
    for view in range(x.shape[1]):
        update = torch.sigmoid(gate(0, x[:, view], hidden))
        reset = torch.sigmoid(gate(1, x[:, view], hidden))
        candidate = torch.tanh(gate(2, x[:, view], reset * hidden))
        hidden = update * hidden + (1 - update) * candidate
        states.append((hidden, update))
    return states


def test_merged_gates_equal_single_gates():
    model = unit(norm=None)
    x = features()
    for state, (hidden, update) in zip(
        model.states(x), naive_states(model, x), strict=True
    ):
        torch.testing.assert_close(state.hidden, hidden, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(state.update, update, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("views", [1, 2, 3, 5])
def test_any_number_of_views(views):
    model = unit()
    code = model(features(views))
    assert code.shape == (2, 3, 2, 2, 2)
    code.sum().backward()
    model.eval()
    assert torch.isfinite(model(features(views))).all()


def test_views_after_the_last_slot_share_it():
    model = unit(max_views=2, norm="torch")
    model(features(5))
    untouched = unit(max_views=5, norm="torch")
    untouched(features(2))
    assert torch.equal(untouched.input_norm.running_mean[2:], torch.zeros(3, 9))
    assert not torch.equal(model.input_norm.running_mean[1], torch.zeros(9))
    assert model.input_norm.running_mean.shape == (2, 9)


def test_with_one_view_the_kernels_have_zero_gradient():
    model = unit()
    model(features(1)).square().sum().backward()
    for conv in (model.gates_conv, model.candidate_conv):
        assert torch.equal(conv.weight.grad, torch.zeros_like(conv.weight))
    assert model.input_map.weight.grad.abs().sum() > 0


def test_gate_bias_is_a_constant_or_a_parameter():
    assert "gate_bias" not in unit().state_dict()
    trainable = unit(trainable_gate_bias=True, norm=None)
    assert torch.equal(trainable.gate_bias.detach(), torch.full((9,), 0.1))
    fixed = unit(norm=None)
    torch.testing.assert_close(trainable(features()), fixed(features()))


def test_presets_of_the_norm():
    paddle, torch_like = unit(norm="paddle"), unit(norm="torch")
    assert paddle.gates_norm.momentum == 0.9
    assert torch.equal(paddle.gates_norm.running_var, torch.zeros(3, 6))
    assert torch_like.gates_norm.momentum == 0.1
    assert torch.equal(torch_like.gates_norm.running_var, torch.ones(3, 6))
    own = unit(norm="paddle", norm_momentum=0.3, norm_initial_variance=1.0)
    assert own.candidate_norm.momentum == 0.3
    assert torch.equal(own.input_norm.running_var, torch.ones(3, 9))
    with pytest.raises(ValueError, match="paddle, torch"):
        unit(norm="batch")


def test_initial_weights_stay_within_each_gate_s_bound():
    model = unit()
    for weight, fans in (
        (model.input_map.weight, 6 + 24),
        (model.gates_conv.weight, 6 * 27),
        (model.candidate_conv.weight, 6 * 27),
    ):
        bound = (6 / fans) ** 0.5
        assert 0.9 * bound < weight.abs().max() <= bound


def test_pooled_fusions():
    x = features(4)
    assert torch.equal(MeanViewFusion()(x), x.mean(dim=1))
    shuffled = x[:, [2, 0, 3, 1]]
    assert torch.equal(MaxViewFusion()(x), MaxViewFusion()(shuffled))
    assert torch.equal(MaxViewFusion()(x[:, :1]), x[:, 0])
