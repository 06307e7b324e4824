# SPDX-License-Identifier: Apache-2.0
"""What the tools make of a config and their options."""

import subprocess
import sys

import pytest
import torch
from mmengine.config import Config
from toy_config import PROTOCOL, environment, load, toy_dict

from svr3d.engine.allocator import keep_freed_memory
from svr3d.engine.random_state import (
    capture_random_state,
    preserved_random_state,
    seed_iteration,
)
from svr3d.engine.runner import check_writable, default_work_dir, prepare_config
from svr3d.errors import CheckpointError, ConfigError


@pytest.fixture
def config(toy):
    return Config(toy_dict())


@pytest.mark.parametrize("path", ["file/below", "file", "/proc/nowhere", "/dev/null/x"])
def test_unwritable_work_dir(tmp_path, path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="--work-dir .* can be written, found"):
        check_writable(tmp_path / path)


def test_unwritable_work_dir_is_found_before_anything_else(train_toy, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="--work-dir"):
        train_toy("file", model=dict(type="NoSuchModel"))


def test_work_dir_is_named_after_the_config(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("a = 1\n")
    assert str(default_work_dir(Config.fromfile(path))) == "work_dirs/mine"
    assert str(default_work_dir(Config(dict(work_dir="there")))) == "there"


def test_loops_loaders_and_protocol_are_filled_in(config):
    prepared = prepare_config(config, work_dir="there", launcher="none")
    assert prepared.train_cfg == dict(type="ResumableEpochLoop", max_epochs=4)
    assert prepared.train_dataloader.batch_sampler.type == "GlobalBatchSampler"
    assert prepared.val_dataloader.sampler.type == "DefaultSampler"
    assert prepared.val_evaluator.protocol == PROTOCOL
    assert prepared.test_evaluator.protocol == PROTOCOL
    assert "protocol" not in config.val_evaluator  # the original is left alone
    again = prepare_config(prepared)
    assert again.to_dict() == prepared.to_dict()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (dict(by_epoch=False, max_iters=5), "ResumableIterLoop"),
        (dict(type="IterBasedTrainLoop", max_iters=5), "ResumableIterLoop"),
        (dict(type="mmengine.EpochBasedTrainLoop", max_epochs=5), "ResumableEpochLoop"),
        (dict(type="MyLoop", max_epochs=5), "MyLoop"),
    ],
)
def test_resumable_loops_replace_stock_ones(config, given, expected):
    config.train_cfg = given
    assert prepare_config(config).train_cfg.type == expected


def test_evaluators_of_all_forms_get_the_protocol(config):
    metric = dict(type="ToyMetric")
    own = dict(type="ToyMetric", protocol=dict(split="own"))
    config.val_evaluator = [metric, own]
    config.test_evaluator = dict(type="Evaluator", metrics=[metric])
    prepared = prepare_config(config)
    assert prepared.val_evaluator[0].protocol == PROTOCOL
    assert prepared.val_evaluator[1].protocol == dict(split="own")
    assert prepared.test_evaluator.metrics[0].protocol == PROTOCOL


def test_amp_by_device(config, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for choice in ("auto", "bf16"):
        wrapper = prepare_config(config, amp=choice).optim_wrapper
        assert wrapper.type == "CPUAmpOptimWrapper" and "dtype" not in wrapper
    with pytest.raises(ConfigError, match="--amp fp16: needs a GPU"):
        prepare_config(config, amp="fp16")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for choice, dtype in (("auto", "float16"), ("bf16", "bfloat16")):
        wrapper = prepare_config(config, amp=choice).optim_wrapper
        assert (wrapper.type, wrapper.dtype) == ("AmpOptimWrapper", dtype)
    config.optim_wrapper.type = "ApexOptimWrapper"
    with pytest.raises(ConfigError, match="found ApexOptimWrapper"):
        prepare_config(config, amp="auto")


def test_tensorboard_is_left_out_where_it_is_missing(config, monkeypatch, capsys):
    backends = [dict(type="LocalVisBackend"), dict(type="TensorboardVisBackend")]
    config.visualizer = dict(type="Visualizer", vis_backends=backends)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert prepare_config(config).visualizer.vis_backends == backends[:1]
    assert "pip install" in capsys.readouterr().out
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert prepare_config(config).visualizer.vis_backends == backends


def test_seed_and_checkpoint_options(config, tmp_path, monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    prepared = prepare_config(config, seed=7, deterministic=True)
    assert prepared.randomness == dict(seed=7, deterministic=True)
    assert prepare_config(config).randomness == dict(seed=3)
    prepared = prepare_config(config, load_from="a.pth")
    assert prepared.load_from == "a.pth" and not prepared.get("resume")
    # Nothing to resume yet: start from the given weights, and resume later.
    prepared = prepare_config(
        config, work_dir=tmp_path, resume="auto", load_from="a.pth"
    )
    assert prepared.load_from == "a.pth" and not prepared.get("resume")
    (tmp_path / "epoch_1.pth").touch()
    (tmp_path / "last_checkpoint").write_text("epoch_1.pth")
    prepared = prepare_config(
        config, work_dir=tmp_path, resume="auto", load_from="a.pth"
    )
    assert prepared.load_from == str(tmp_path / "epoch_1.pth") and prepared.resume
    prepared = prepare_config(config, resume="b.pth")
    assert prepared.load_from == "b.pth" and prepared.resume


def test_load_from_takes_weights_only(train_toy):
    first = train_toy("first")
    second = train_toy("second", "--load-from", first / "epoch_4.pth")
    assert load(second)["meta"]["iter"] == 12
    assert not torch.equal(
        load(first)["state_dict"]["head.weight"],
        load(second)["state_dict"]["head.weight"],
    )


def test_checkpoints_that_cannot_be_continued(train_toy):
    folder = train_toy("run")
    best = next(folder.glob("best_*"))
    with pytest.raises(CheckpointError, match="lacks optimizer.*use --load-from"):
        train_toy("other", "--resume", best)
    wider = dict(model=dict(type="ToyModel", width=9))
    for option in ("--resume", "--load-from"):
        with pytest.raises(CheckpointError, match="of another model.*\n.*shape"):
            train_toy("other", option, folder / "epoch_4.pth", **wider)


def test_unknown_metric_for_the_best_checkpoint(train_toy):
    with pytest.raises(ConfigError, match="save_best: expected one of voxel/iou_max"):
        train_toy("run", default_hooks__checkpoint__save_best="voxel/iou")


def test_iterations_are_seeded_alone():
    def draws(*parts):
        seed_iteration(*parts)
        return torch.rand(3).tolist()

    assert draws(0, 5, 0) == draws(0, 5, 0)
    assert len({tuple(draws(*p)) for p in [(0, 5, 0), (0, 6, 0), (1, 5, 0), (0, 5, 1)]})
    state = torch.get_rng_state()
    with preserved_random_state():
        torch.rand(3)
    assert torch.equal(torch.get_rng_state(), state)
    assert set(capture_random_state()) >= {"python", "numpy", "torch"}


@pytest.mark.slow
def test_compiled_parts_keep_their_names(train_toy, monkeypatch):
    compiled = []
    monkeypatch.setattr(
        torch.nn.Module,
        "compile",
        lambda self, **_: (
            compiled.append(type(self))
            or setattr(
                self,
                "_compiled_call_impl",
                torch.compile(self._call_impl, backend="eager"),
            )
        ),
    )
    plain = load(train_toy("plain"))["state_dict"]
    found = load(train_toy("compiled", "--compile"))["state_dict"]
    assert compiled == [torch.nn.Linear, torch.nn.Linear]
    assert list(found) == list(plain)
    torch.testing.assert_close(found, plain)


PROGRAM = """
import ctypes, resource
import torch
from svr3d.engine.allocator import keep_freed_memory
torch.set_num_threads(1)
print(keep_freed_memory())
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(60):
    torch.ones(8 * 2**20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_freed_memory_is_kept():
    faults = {}
    for choice in ("keep", "default"):
        result = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**environment(), "SVR3D_ALLOCATOR": choice},
            capture_output=True,
            text=True,
            check=True,
        )
        text, number = result.stdout.strip().splitlines()
        assert ("freed memory is kept" in text) == (choice == "keep")
        faults[choice] = int(number)
    # 60 tensors of 32 MiB: with the policy only the first few fault their pages in.
    assert faults["keep"] < faults["default"] / 5


def test_allocator_says_why_it_does_nothing(monkeypatch):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    assert keep_freed_memory() == "allocator: left alone (SVR3D_ALLOCATOR=default)"
    monkeypatch.setenv("SVR3D_ALLOCATOR", "other")
    assert "'other' is not keep or default" in keep_freed_memory()
    monkeypatch.delenv("SVR3D_ALLOCATOR")
    monkeypatch.setenv("LD_PRELOAD", "/usr/lib/libjemalloc.so")
    assert "libjemalloc.so is preloaded" in keep_freed_memory()
