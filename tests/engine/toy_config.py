# SPDX-License-Identifier: Apache-2.0
"""Writes configs of the toy, and runs the tools on them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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
        train_dataloader=dict(batch_size=4, num_workers=0, dataset=dict(type="ToyData")),
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
    """Variables of a process that knows the toy and takes one thread."""
    paths = [str(REPOSITORY), str(TOY), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "OMP_NUM_THREADS": "1",
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
