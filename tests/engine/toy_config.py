# SPDX-License-Identifier: Apache-2.0
"""Writes configs of the toy, and runs the tools on them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from svr3d.engine.config import config_to_text

TOY = Path(__file__).parent / "toy"
REPOSITORY = Path(__file__).resolve().parents[2]
PROTOCOL = dict(
    split="toy", views=1, view_selection="all", unit=None, num_points=None, reference=""
)


def toy_dict(**changes: Any) -> dict:
    """The config as a dict; ``a__b=value`` changes the key ``a.b``."""
    loader = dict(batch_size=5, num_workers=0, dataset=dict(type="ToyData"))
    config = dict(
        default_scope="svr3d",
        custom_imports=dict(imports=["toy_parts"]),
        protocol=PROTOCOL,
        model=dict(type="ToyModel"),
        train_dataloader=dict(
            batch_size=4, num_workers=0, dataset=dict(type="ToyData")
        ),
        train_cfg=dict(by_epoch=True, max_epochs=4),
        optim_wrapper=dict(optimizer=dict(type="Adam", lr=0.01)),
        param_scheduler=dict(type="CosineAnnealingLR", T_max=4, by_epoch=True),
        val_dataloader=loader,
        val_cfg=dict(),
        val_evaluator=dict(type="ToyMetric"),
        test_dataloader=loader,
        test_cfg=dict(),
        test_evaluator=dict(type="ToyMetric"),
        default_hooks=dict(
            logger=dict(type="LoggerHook", interval=1),
            checkpoint=dict(
                type="AtomicCheckpointHook", interval=1, save_best="voxel/iou_max"
            ),
        ),
        custom_hooks=[dict(type="ToyTrace")],
        randomness=dict(seed=3),
    )
    for path, value in changes.items():
        *keys, last = path.split("__")
        place = config
        for key in keys:
            place = place.setdefault(key, {})
        place[last] = value
    return config


def write_toy(path: Path, **changes: Any) -> Path:
    """Write the config as a file."""
    from mmengine.config import Config

    path.write_text(config_to_text(Config(toy_dict(**changes))))
    return path


def environment() -> dict[str, str]:
    """Variables of a process that knows the toy, this Python, and takes one thread."""
    paths = [str(REPOSITORY), str(TOY), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "OMP_NUM_THREADS": "1",
        "SVR3D_PYTHON": sys.executable,
    }


def run_tool(name: str, *arguments: Any, **options: Any) -> subprocess.Popen:
    """Start a program of ``tools/`` from another directory."""
    command = [sys.executable, str(REPOSITORY / "tools" / name), *map(str, arguments)]
    return subprocess.Popen(
        command,
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **options,
    )


def load(work_dir, name=None):
    """Read the last checkpoint of a work directory, or one by its name."""
    name = name or (work_dir / "last_checkpoint").read_text()
    return torch.load(work_dir / name, weights_only=True)


def differences(one, other, path=""):
    """Return the paths at which two nested values differ, tensors bit by bit."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return [] if torch.equal(one, other) else [path]
    if isinstance(one, dict) and isinstance(other, dict):
        keys = one.keys() | other.keys()
        return [
            item
            for key in sorted(keys, key=str)
            for item in differences(one.get(key), other.get(key), f"{path}.{key}")
        ]
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        if len(one) == len(other):
            pairs = enumerate(zip(one, other, strict=True))
            return [item for i, p in pairs for item in differences(*p, f"{path}.{i}")]
    return [] if one == other else [path]


def training_state(work_dir, name=None):
    """Return what decides the rest of a training."""
    checkpoint = load(work_dir, name)
    keys = ("state_dict", "optimizer", "param_schedulers", "run_state")
    state = {key: checkpoint.get(key) for key in keys}
    state["place"] = {key: checkpoint["meta"][key] for key in ("epoch", "iter")}
    if "ema_state_dict" in checkpoint:
        state["ema"] = checkpoint["ema_state_dict"]
    return state
