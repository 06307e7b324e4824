# SPDX-License-Identifier: Apache-2.0
"""Frozen parts, and optimisers that begin anew."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper
from torch import nn

from svr3d.engine.hooks.freeze_parts_hook import FreezePartsHook
from svr3d.engine.hooks.reset_optimizer_hook import ResetOptimizerHook
from svr3d.errors import ConfigError


def make_runner():
    torch.manual_seed(0)
    model = nn.Module()
    model.head = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    model.backbone = nn.Linear(2, 3)
    return SimpleNamespace(
        model=model,
        optim_wrapper=OptimWrapper(torch.optim.Adam(model.parameters(), lr=0.1)),
        distributed=False,
        cfg={},
        epoch=0,
        logger=MMLogger.get_instance("hooks"),
    )


def run(runner, hooks, epochs, *, own_adam=()):
    """Train; before the epochs of ``own_adam`` with an optimiser made by hand."""
    inputs = torch.randn(6, 2)
    for hook in hooks:
        if hasattr(hook, "before_train"):
            hook.before_train(runner)
    for epoch in range(epochs):
        runner.epoch = epoch
        if epoch in own_adam:
            adam = torch.optim.Adam(runner.model.parameters(), lr=0.1)
            runner.optim_wrapper = OptimWrapper(adam)
        for hook in hooks:
            hook.before_train_epoch(runner)
        runner.model.train()
        for index in range(2):
            for hook in hooks:
                hook.before_train_iter(runner, index)
            value = runner.model.head(runner.model.backbone(inputs))
            runner.optim_wrapper.update_params((value - 1).square().sum())
    return copy.deepcopy(runner.model.state_dict())


def test_reset_is_a_new_optimiser():
    results = []
    for hooks, own in (([ResetOptimizerHook([1])], ()), ([], (1,)), ([], ())):
        torch.manual_seed(1)
        runner = make_runner()
        torch.manual_seed(2)
        results.append(run(runner, hooks, 3, own_adam=own))
    reset, by_hand, without = results
    for name, value in reset.items():
        torch.testing.assert_close(value, by_hand[name])
    assert not torch.allclose(reset["backbone.weight"], without["backbone.weight"])


@pytest.mark.parametrize("statistics", ["kept", "batch"])
def test_frozen_part_stays(statistics):
    runner = make_runner()
    before = copy.deepcopy(runner.model.state_dict())
    after = run(runner, [FreezePartsHook("head", statistics=statistics)], 2)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    expected = {"backbone.weight", "backbone.bias"}
    if statistics == "batch":
        expected |= {
            f"head.1.{name}"
            for name in ("running_mean", "running_var", "num_batches_tracked")
        }
        # A bias in front of a norm by batches has no gradient but rounding noise.
        moved.add("backbone.bias")
    assert moved == expected


def test_part_is_trained_from_an_epoch_on():
    runner = make_runner()
    before = copy.deepcopy(runner.model.state_dict())
    hook = FreezePartsHook(["head"], until_epoch=1)
    assert torch.equal(run(runner, [hook], 1)["head.0.weight"], before["head.0.weight"])
    after = run(runner, [hook], 2)
    assert not torch.equal(after["head.0.weight"], before["head.0.weight"])


def test_wrong_settings_are_named():
    runner = make_runner()
    with pytest.raises(ConfigError, match="no part 'decoder'"):
        FreezePartsHook("decoder").before_train(runner)
    runner.distributed = True
    with pytest.raises(ConfigError, match="find_unused_parameters=True"):
        FreezePartsHook("head").before_train(runner)
    with pytest.raises(ValueError, match="found 'some'"):
        FreezePartsHook("head", statistics="some")
    with pytest.raises(ValueError, match="until_epoch: expected 0 or more, found -1"):
        FreezePartsHook("head", until_epoch=-1)
    with pytest.raises(ValueError, match=r"found \[-1\]"):
        ResetOptimizerHook([-1])
