# SPDX-License-Identifier: Apache-2.0
"""Optimisers of parts: several processes, mixed precision, sums that are shared."""

import subprocess
import sys

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from torch import nn
from torch.optim import SGD
from toy_config import TOY, environment

from svr3d.engine.compat import CPUAmpOptimWrapper
from svr3d.engine.part_optimizers import PartOptimizers
from svr3d.engine.part_wrappers import PartOptimWrappers
from svr3d.engine.runner import prepare_config
from svr3d.errors import ConfigError
from svr3d.models.layers.batch_share import BatchShare, rand_rows, use_share
from svr3d.models.reconstructors.base import BaseReconstructor


@pytest.fixture
def program(toy):
    """The program whose processes share batches, to be run here as the only one."""
    import part_processes

    return part_processes


@pytest.mark.multiproc
def test_two_processes_give_the_losses_and_weights_of_one(program, tmp_path):
    command = [sys.executable, str(TOY / "part_processes.py")]
    store, results = tmp_path / "store", [tmp_path / f"{rank}.pth" for rank in (0, 1)]
    runs = [
        subprocess.Popen(
            [*command, str(rank), store, path],
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, path in enumerate(results)
    ]
    expected, weights = program.train()
    start = program.small_model().state_dict()
    moved = [name for name in weights if not torch.equal(weights[name], start[name])]
    assert len(moved) == len(weights)
    for run in runs:
        errors = run.communicate(timeout=120)[1]
        assert run.returncode == 0, errors
    full, half = zip(*[torch.load(path) for path in results], strict=True)
    for losses, found in full:
        for step, (ours, theirs) in enumerate(zip(losses, expected, strict=True)):
            assert ours == pytest.approx(theirs, rel=1e-3), step
        torch.testing.assert_close(found, weights, rtol=1e-4, atol=1e-4)
    # Rounding grows; but processes agree, and begin where one begins.
    (one, its_weights), (other, other_weights) = half
    assert one == other != full[0][0]
    assert all(torch.equal(its_weights[k], other_weights[k]) for k in weights)
    assert one[0] == pytest.approx(program.train(half=True)[0][0], rel=0.05)


def test_half_precision_is_near_full(program):
    full, weights = program.train()
    half, rounded = program.train(half=True)
    assert half[0] != full[0]
    assert half[0] == pytest.approx(full[0], rel=0.05)
    assert full[0]["cycle"] > 1e-4
    start = program.small_model().state_dict()
    for part in ("shape", "pose"):
        ways = [
            torch.cat([(s[k] - start[k]).flatten() for k in s if k.startswith(part)])
            for s in (rounded, weights)
        ]
        assert ways[0].dtype == torch.float32
        assert torch.cosine_similarity(*ways, dim=0) > 0.9, part


def test_every_process_takes_its_rows_of_what_one_would_draw():
    torch.manual_seed(3)
    whole = rand_rows(5, 2)
    for first, count in ((0, 3), (3, 2), (5, 0)):
        torch.manual_seed(3)
        with use_share(BatchShare(first, count, 5)):
            rows = rand_rows(max(count, 1), 2)
        expected = whole[first : first + count] if count else whole[:1]
        assert torch.equal(rows, expected)
    with use_share(BatchShare(0, 3, 5)):  # of something else than the batch
        assert rand_rows(4, 2).shape == (4, 2)


class TwoParts(BaseReconstructor):
    """Two weights with one loss, of which one may step."""

    def __init__(self, *steps):
        super().__init__()
        self.one, self.two = nn.Linear(1, 1), nn.Linear(1, 1)
        self.trained_parts, self.steps, self.passes = ("one", "two"), steps, 0

    def loss(self, batch):
        value = self.two(self.one(batch["x"])).square().mean()
        value.register_hook(self._count)
        return {"loss": value}

    def _count(self, grad):
        self.passes += 1

    def part_losses(self, losses, total):
        return {name: total for name in self.steps}

    def predict(self, batch):
        return None


@pytest.mark.parametrize("steps", [("one", "two"), ("two",)])
def test_parts_with_one_sum_share_its_backward_pass(steps):
    model, twin = TwoParts(*steps), TwoParts()
    twin.load_state_dict(model.state_dict())
    optimizer = dict(optimizer=dict(type=SGD, lr=0.1))
    wrappers = PartOptimizers({"one": optimizer, "two": optimizer})(model)
    batch = {"x": torch.tensor([[1.0], [2.0]])}
    logs = model.train_step(batch, wrappers)
    assert model.passes == 1
    loss = twin.loss(batch)["loss"]
    assert float(logs["loss"].detach()) == float(loss.detach())
    loss.backward()
    for name, value in model.named_parameters():
        own = twin.get_parameter(name)
        step = 0.1 * own.grad if name.split(".")[0] in steps else 0
        torch.testing.assert_close(value.detach(), own.detach() - step)
        assert value.grad is None


class Scaled(OptimWrapper):
    """What mmengine's mixed precision does, on a CPU."""

    def __init__(self, optimizer, scale):
        super().__init__(optimizer)
        self.loss_scaler = torch.amp.GradScaler("cpu", init_scale=scale)

    def step(self):
        self.loss_scaler.step(self.optimizer)
        self.loss_scaler.update()


def test_each_part_has_its_own_scale():
    model, twin = TwoParts("one", "two"), TwoParts("one", "two")
    twin.load_state_dict(model.state_dict())
    scaled, plain = (
        PartOptimWrappers(
            **{
                name: make(SGD(getattr(owner, name).parameters(), lr=0.1))
                for name, make in kinds.items()
            }
        )
        for owner, kinds in (
            (model, dict(one=lambda o: Scaled(o, 8.0), two=lambda o: Scaled(o, 1e4))),
            (twin, dict(one=OptimWrapper, two=OptimWrapper)),
        )
    )
    batch = {"x": torch.tensor([[1.0], [2.0]])}
    for _ in range(2):
        model.train_step(batch, scaled)
        twin.train_step(batch, plain)
    assert (model.passes, twin.passes) == (4, 2)
    torch.testing.assert_close(model.state_dict(), twin.state_dict())


def test_wrong_parts():
    model = TwoParts("three")
    optimizer = dict(optimizer=dict(type=SGD, lr=0.1))
    with pytest.raises(
        ConfigError, match="TwoParts, .* trains by PartOptimizers of one, two; f"
    ):
        PartOptimizers({"one": optimizer})(model)
    half = dict(type=CPUAmpOptimWrapper, **optimizer)
    with pytest.raises(ConfigError, match="same type and dtype for all parts"):
        PartOptimizers({"one": optimizer, "two": half})(model)
    wrappers = PartOptimizers({"one": optimizer, "two": optimizer})(model)
    with pytest.raises(ConfigError, match="expected PartOptimizers of three, found"):
        model.train_step({"x": torch.ones(1, 1)}, wrappers)
    with pytest.raises(ConfigError, match="of one, two, found OptimWrapper"):
        model.train_step({"x": torch.ones(1, 1)}, wrappers["one"])

    model.trained_parts = None
    with pytest.raises(ConfigError, match="trains by one optimiser; found"):
        PartOptimizers({"one": optimizer})(model)


def test_amp_reaches_every_part():
    part = dict(optimizer=dict(type="SGD", lr=0.1))
    cfg = Config(dict(optim_wrapper=dict(constructor="x", one=part, two=dict(part))))
    cfg = prepare_config(cfg, amp="bf16")
    kinds = {cfg.optim_wrapper[name].type for name in ("one", "two")}
    assert len(kinds) == 1 and "AmpOptimWrapper" in kinds.pop()
    cfg.optim_wrapper.two.type = "Other"
    with pytest.raises(ConfigError, match="optim_wrapper.two OptimWrapper, found Othe"):
        prepare_config(cfg, amp="bf16")
