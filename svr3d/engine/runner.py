# SPDX-License-Identifier: Apache-2.0
"""From a config to a runner: what the tools for training and testing share."""

import copy
import importlib.util
import inspect
import itertools
import os
import tempfile
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from svr3d.engine.checkpoint import find_last_checkpoint
from svr3d.engine.compat import complete_loader, quiet_start, start_processes
from svr3d.engine.exact_runner import ExactRunner
from svr3d.errors import ConfigError
from svr3d.registry import METRICS

_LOOPS = {
    "EpochBasedTrainLoop": "ResumableEpochLoop",
    "IterBasedTrainLoop": "ResumableIterLoop",
}
_run_numbers = itertools.count(1)
_COMPILED = ("backbone", "fusion", "head", "refiner")


def default_work_dir(cfg: Config) -> Path:
    """Return the config's work directory, or ``work_dirs/<name of the config>``."""
    name = Path(cfg.filename).stem if cfg.filename else "config"
    return Path(cfg.get("work_dir") or Path("work_dirs", name))


def check_writable(folder: str | os.PathLike) -> Path:
    """Make a folder and try to write into it.

    Returns:
        The folder.

    Raises:
        ConfigError: If that fails.
    """
    folder = Path(folder).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".write-test-"):
            pass
    except OSError as error:
        raise ConfigError(
            f"--work-dir {folder}: expected a folder that can be written, found: "
            f"{error.strerror or error}"
        ) from error
    return folder


def prepare_config(
    cfg: Config,
    *,
    work_dir: str | os.PathLike | None = None,
    resume: str | None = None,
    load_from: str | None = None,
    amp: str | None = None,
    seed: int | None = None,
    deterministic: bool = False,
    launcher: str = "none",
) -> Config:
    """Return a copy of a config that says all that a runner needs.

    Args:
        cfg: A config that passed the lint.
        work_dir: Where results go; ``default_work_dir`` if None.
        resume: 'auto' for the last checkpoint of the work directory, if there is
            one, or the path of a checkpoint.
        load_from: Checkpoint whose weights training starts from.
        amp: Mixed precision: 'fp16', 'bf16', or 'auto' for the device's best.
        seed: Seed of the run; the config's if None.
        deterministic: Whether only deterministic algorithms may be used.
        launcher: How the processes were started.

    Raises:
        ConfigError: If options contradict each other or the machine.
    """
    cfg = copy.deepcopy(cfg)
    cfg.work_dir = str(work_dir or default_work_dir(cfg))
    cfg.launcher = launcher
    _choose_checkpoint(cfg, resume, load_from)
    randomness = dict(cfg.get("randomness") or {})
    if seed is not None:
        randomness["seed"] = seed
    if deterministic:
        randomness["deterministic"] = True
        # cuBLAS reads it when it is first used.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    cfg.randomness = {"seed": None, **randomness}
    for name in ("train", "val", "test"):
        if cfg.get(f"{name}_dataloader"):
            complete_loader(cfg[f"{name}_dataloader"], training=name == "train")
    _choose_loop(cfg)
    if amp is not None and cfg.get("optim_wrapper"):
        _choose_precision(cfg, amp)
    for name in ("val_evaluator", "test_evaluator"):
        for metric in _metrics(cfg.get(name)):
            _give_protocol(metric, cfg.get("protocol"))
    _choose_backends(cfg)
    return cfg


def _choose_checkpoint(cfg: Config, resume: str | None, load_from: str | None) -> None:
    if load_from is not None:
        cfg.load_from = load_from
    if resume == "auto":
        last = find_last_checkpoint(cfg.work_dir)
        resume = None if last is None else str(last)
    if resume is not None:
        cfg.load_from, cfg.resume = resume, True


def _choose_loop(cfg: Config) -> None:
    """Put the resumable loops in the place of mmengine's."""
    loop = cfg.get("train_cfg")
    if not loop:
        return
    if "type" not in loop:
        by_epoch = loop.pop("by_epoch", "max_epochs" in loop)
        loop["type"] = _LOOPS[
            "EpochBasedTrainLoop" if by_epoch else "IterBasedTrainLoop"
        ]
        return
    kind = loop["type"]
    name = kind if isinstance(kind, str) else getattr(kind, "__name__", "")
    loop["type"] = _LOOPS.get(name.rpartition(".")[2], kind)


def _choose_precision(cfg: Config, amp: str) -> None:
    on_gpu = torch.cuda.is_available()
    if amp == "auto":
        amp = "fp16" if on_gpu else "bf16"
    if amp == "fp16" and not on_gpu:
        raise ConfigError("--amp fp16: needs a GPU; on CPUs use --amp bf16")
    wrapper = cfg.optim_wrapper
    if wrapper.get("optimizer") is not None:
        _set_precision(wrapper, amp, "optim_wrapper", on_gpu=on_gpu)
        return
    for name, part in wrapper.items():
        if isinstance(part, dict) and "optimizer" in part:
            _set_precision(part, amp, f"optim_wrapper.{name}", on_gpu=on_gpu)


def _set_precision(wrapper: dict, amp: str, name: str, *, on_gpu: bool) -> None:
    kind = wrapper.get("type", "OptimWrapper")
    kind = kind if isinstance(kind, str) else getattr(kind, "__name__", "")
    if kind.rpartition(".")[2] not in (
        "OptimWrapper",
        "AmpOptimWrapper",
        "CPUAmpOptimWrapper",
    ):
        raise ConfigError(f"--amp: expected {name} OptimWrapper, found {kind}")
    if on_gpu:
        wrapper["type"] = "AmpOptimWrapper"
        wrapper["dtype"] = {"fp16": "float16", "bf16": "bfloat16"}[amp]
    else:
        wrapper["type"] = "CPUAmpOptimWrapper"
        for key in ("dtype", "loss_scale", "use_fsdp"):
            wrapper.pop(key, None)


def _metrics(evaluator: Any) -> list[dict]:
    """Return the metrics of an evaluator: a metric, a list, or dict(metrics=...)."""
    if isinstance(evaluator, dict):
        return _metrics(evaluator["metrics"]) if "metrics" in evaluator else [evaluator]
    return [item for item in evaluator or () if isinstance(item, dict)]


def _give_protocol(metric: dict, protocol: dict | None) -> None:
    """Hand the config's protocol to a metric that takes one."""
    kind = metric.get("type")
    kind = METRICS.get(kind) if isinstance(kind, str) else kind
    if kind is not None and "protocol" in inspect.signature(kind).parameters:
        if metric.get("protocol") is None:
            metric["protocol"] = copy.deepcopy(protocol)


def _choose_backends(cfg: Config) -> None:
    """Leave TensorBoard out where it is not installed."""
    visualizer = cfg.get("visualizer")
    backends = visualizer.get("vis_backends") if visualizer else None
    if not backends or importlib.util.find_spec("tensorboard"):
        return

    def name(backend: dict) -> str:
        kind = backend.get("type")
        return kind if isinstance(kind, str) else getattr(kind, "__name__", "")

    kept = [item for item in backends if "TensorboardVisBackend" not in name(item)]
    if len(kept) < len(backends):
        cfg.visualizer.vis_backends = kept
        if os.environ.get("RANK", "0") == "0":
            print("TensorBoard is not installed: pip install 'svr3d[tensorboard]'")


def build_runner(cfg: Config, *, compile_model: bool = False) -> ExactRunner:
    """Build the runner of a prepared config.

    Args:
        cfg: What ``prepare_config`` returned.
        compile_model: Whether backbone, fusion, head and refiner are compiled by torch,
            in place, so that names in checkpoints stay as they are.
    """
    quiet_start()
    start_processes(cfg.get("launcher", "none"))
    cfg = copy.deepcopy(cfg)
    # mmengine keeps loggers and message hubs by name and second: two runs of one
    # program must not meet in them.
    name = cfg.get("experiment_name") or Path(cfg.filename or "run").stem
    number = next(_run_numbers)
    cfg.experiment_name = name if number == 1 else f"{name}-{number}"
    runner = ExactRunner.from_cfg(cfg)
    if compile_model:
        for name in _COMPILED:
            part = getattr(runner.bare_model, name, None)
            if isinstance(part, torch.nn.Module):
                part.compile()
    return runner
