# SPDX-License-Identifier: Apache-2.0
"""Each remedy for mmengine works; and each is still needed.

The tests named ``..._still_...`` run stock mmengine. When one fails, upstream has fixed
the fault: remove the remedy, its tests and its line in ``svr3d.engine.compat``.
"""

import logging
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer, MessageHub, MMLogger
from mmengine.model import BaseModel
from mmengine.optim import AmpOptimWrapper
from mmengine.runner import IterBasedTrainLoop, Runner
from mmengine.runner.checkpoint import save_checkpoint
from torch import nn
from toy_config import environment

from svr3d.engine.compat import (
    CPUAmpOptimWrapper,
    complete_loader,
    plain_message_hub,
    quiet_start,
    rebuild_message_hub,
    start_processes,
    to_builtins,
)
from svr3d.engine.config import load_config
from svr3d.errors import ConfigError

FIXED = "mmengine has fixed this: remove the remedy %s"


def stock_loader(number=6, **options):
    data = [{"x": torch.full((2,), float(i))} for i in range(number)]
    sampler = dict(type="DefaultSampler", shuffle=False)
    return dict(dataset=data, batch_size=2, num_workers=0, sampler=sampler, **options)


# -- resuming: tensors and builtins only -------------------------------------------


def message_hub():
    hub = MessageHub("test_compat")
    hub.update_scalar("train/loss", 0.5)
    hub.update_scalar("train/loss", 0.25)
    hub.update_info("eta", np.float64(3.5))
    hub.update_info("object", object())
    return hub


def test_message_hub_survives_as_tensors_and_builtins(tmp_path):
    state = plain_message_hub(message_hub().state_dict())
    torch.save(state, tmp_path / "a.pth")
    assert not torch.serialization.get_unsafe_globals_in_checkpoint(tmp_path / "a.pth")
    loaded = rebuild_message_hub(torch.load(tmp_path / "a.pth", weights_only=True))
    hub = MessageHub("test_compat_loaded")
    hub.load_state_dict(loaded)
    buffer = hub.get_scalar("train/loss")
    assert isinstance(buffer, HistoryBuffer) and buffer.mean() == 0.375
    buffer.update(1.0)
    assert buffer.max() == 1.0 and buffer.data[1].tolist() == [1, 1, 1]
    assert hub.get_info("eta") == 3.5 and type(hub.get_info("eta")) is float
    assert hub.get_info("object") is None


def test_to_builtins_names_what_it_cannot_convert():
    value = {"a": [1, (np.int64(2), np.arange(2.0))], "b": {np.str_("k"): None}}
    found = to_builtins(value)
    assert found["a"][1][0] == 2 and torch.equal(
        found["a"][1][1], torch.arange(2.0).double()
    )
    assert list(found["b"]) == ["k"] and type(next(iter(found["b"]))) is str
    with pytest.raises(TypeError, match=r"meta\.a\.1: .*found a builtins\.object"):
        to_builtins({"a": [1, object()]}, "meta")


def test_stock_checkpoints_still_do_not_load(tmp_path):
    path = str(tmp_path / "stock.pth")
    save_checkpoint({"message_hub": message_hub().state_dict()["log_scalars"]}, path)
    try:
        torch.load(path, weights_only=True)
    except Exception as error:
        assert "Weights only load failed" in str(error)
    else:
        pytest.fail(FIXED % "compat.builtins")


# -- processes on CPUs --------------------------------------------------------------

START = """
import os, sys
from mmengine.dist import init_dist
from svr3d.engine.compat import start_processes
if sys.argv[1] == "stock":
    init_dist("pytorch", backend="gloo")
else:
    for name in sys.argv[2:]:
        os.environ.pop(name, None)
    start_processes(sys.argv[1])
import torch.distributed as dist
print("backend", dist.get_backend(), dist.get_world_size())
"""


def start(*arguments, **variables):
    names = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}
    names |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0", **variables}
    return subprocess.run(
        [sys.executable, "-c", START, *arguments],
        env={**environment(), **names, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )


@pytest.mark.multiproc
def test_processes_start_without_a_gpu():
    result = start("pytorch")
    assert "backend gloo 1" in result.stdout, result.stderr
    names = dict(
        OMPI_COMM_WORLD_RANK="0",
        OMPI_COMM_WORLD_SIZE="1",
        OMPI_COMM_WORLD_LOCAL_RANK="0",
    )
    result = start("mpi", "RANK", "WORLD_SIZE", "LOCAL_RANK", **names)
    assert "backend gloo 1" in result.stdout, result.stderr


@pytest.mark.multiproc
def test_stock_start_still_needs_cuda():
    result = start("stock")
    assert result.returncode != 0, FIXED % "compat.processes"
    assert "cuda" in result.stderr.lower() or "nvidia" in result.stderr.lower()


def test_missing_variables_are_named(monkeypatch):
    for name in ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for launcher, name in (
        ("pytorch", "RANK"),
        ("slurm", "SLURM_PROCID"),
        ("mpi", "OMPI_COMM_WORLD_RANK"),
    ):
        with pytest.raises(ConfigError, match=f"{launcher}.* variable {name}, found"):
            start_processes(launcher)


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    with pytest.raises(ConfigError, match="4 processes .* found 2 GPUs"):
        start_processes("pytorch")


# -- mixed precision on CPUs --------------------------------------------------------


def test_amp_runs_in_bfloat16_and_keeps_weights_in_float32():
    model = nn.Linear(4, 4)
    wrapper = CPUAmpOptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    before = model.weight.detach().clone()
    with wrapper.optim_context(model):
        y = model(torch.randn(3, 4))
        assert y.dtype == torch.bfloat16
        loss = y.float().square().mean()
    wrapper.update_params(loss)
    assert model.weight.dtype == torch.float32
    assert not torch.equal(model.weight, before)


@pytest.mark.skipif(torch.cuda.is_available(), reason="only refused without a GPU")
def test_stock_amp_still_refuses_cpus():
    optimizer = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
    try:
        AmpOptimWrapper(dtype="bfloat16", optimizer=optimizer)
    except AssertionError as error:
        assert "only available" in str(error)
    else:
        pytest.fail(FIXED % "compat.amp")


# -- collate --------------------------------------------------------------------------


def test_batches_are_tensors():
    loader = stock_loader()
    complete_loader(loader, training=False)
    batch = next(iter(Runner.build_dataloader(loader)))
    assert batch["x"].shape == (2, 2)


def test_stock_batches_still_are_lists():
    batch = next(iter(Runner.build_dataloader(stock_loader())))
    assert isinstance(batch["x"], list), FIXED % "collate_fn in compat.loaders"


def test_config_decides_what_it_says():
    loader = dict(
        sampler=dict(type="Mine"), collate_fn=dict(type="other"), num_workers=2
    )
    complete_loader(loader, training=True)
    assert loader["sampler"] == dict(type="Mine") and "batch_sampler" not in loader
    assert loader["collate_fn"] == dict(type="other") and loader["persistent_workers"]
    loader = dict(shuffle=False, drop_last=True, persistent_workers=True)
    complete_loader(loader, training=True)
    assert loader["sampler"] == dict(type="GlobalSampler", shuffle=False)
    assert loader["batch_sampler"] == dict(type="GlobalBatchSampler", drop_last=True)
    assert not {"persistent_workers", "shuffle", "drop_last"} & set(loader)


# -- iteration loops ------------------------------------------------------------------


class Counting(torch.utils.data.Dataset):
    def __init__(self):
        self.read = []

    def __len__(self):
        return 8

    def __getitem__(self, index):
        self.read.append(index)
        return {"x": torch.ones(2)}


class Tiny(BaseModel):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 1)

    def forward(self, x, mode="loss"):
        return {"loss": self.layer(x).mean()}


def run_from(iteration, tmp_path, loader, loop):
    """Run a loop from an iteration to the next one, and return what was loaded."""
    runner = Runner(
        Tiny(),
        work_dir=str(tmp_path),
        train_dataloader=dict(loader, dataset=Counting()),
        train_cfg=dict(type=loop, max_iters=iteration + 1),
        optim_wrapper=dict(optimizer=dict(type="SGD", lr=0.1)),
        default_hooks=dict(checkpoint=None, logger=None),
        experiment_name=f"{loop.__name__}{iteration}",
        default_scope="svr3d",
        randomness=dict(seed=0),
    )
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    runner.train_loop._iter = iteration
    runner.train()
    return runner.train_dataloader.dataset.read


def test_iteration_loop_loads_nothing_that_it_skips(tmp_path):
    from svr3d.engine.loops import ResumableIterLoop

    loader = dict(batch_size=2, num_workers=0)
    complete_loader(loader, training=True)
    assert len(run_from(11, tmp_path, loader, ResumableIterLoop)) == 2


def test_stock_iteration_loop_still_loads_what_it_skips(tmp_path):
    loader = dict(
        batch_size=2,
        num_workers=0,
        collate_fn=dict(type="default_collate"),
        sampler=dict(type="InfiniteSampler", shuffle=False),
    )
    read = run_from(3, tmp_path, loader, IterBasedTrainLoop)
    assert len(read) == 8, FIXED % "loops.ResumableIterLoop"


# -- empty errors ---------------------------------------------------------------------

EMPTY = "import os\nroot = os.environ.get('HOME')\n"


def test_config_that_calls_an_import_is_explained(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(EMPTY)
    with pytest.raises(ConfigError, match=r"a\.py.*"):
        load_config(path)


def test_stock_error_still_is_empty(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(EMPTY)
    with pytest.raises(RuntimeError) as caught:
        Config.fromfile(path)
    assert str(caught.value) == "", FIXED % "the lint in config.load_config"


# -- noise ----------------------------------------------------------------------------


def records(logger):
    found = []

    class Keep(logging.Handler):
        def emit(self, record):
            found.append(record.getMessage())

    logger.addHandler(Keep())
    return found


def test_noise_is_hidden_and_nothing_else():
    quiet_start()
    quiet_start()  # twice is as once
    logger = MMLogger(name="test_noise", log_level="INFO")
    found = records(logger)
    logger.warning('"FileClient" will be deprecated in future. Please use io functions')
    logger.warning("a real warning")
    assert found == ["a real warning"]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        quiet_start()
        warnings.warn("something else is deprecated", DeprecationWarning, stacklevel=1)
    assert len(caught) == 1


def test_stock_start_still_is_noisy(tmp_path, caplog, monkeypatch):
    from mmengine.fileio import FileClient

    lines = []
    monkeypatch.setattr(
        "mmengine.fileio.file_client.print_log", lambda text, **_: lines.append(text)
    )
    FileClient.infer_client(None, str(tmp_path))
    assert any('"FileClient" will be deprecated' in line for line in lines), (
        FIXED % "compat.noise"
    )
