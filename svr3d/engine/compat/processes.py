# SPDX-License-Identifier: Apache-2.0
"""Several processes on machines without a GPU.

mmengine 0.10.7 calls ``torch.cuda.set_device`` while it sets torch.distributed up, and
wraps models with a GPU's number. If torch.distributed is up already, the runner skips
its own start; so tools call ``start_processes`` first.
"""

import atexit
import datetime
import os
import subprocess
import sys

import torch
import torch.distributed as dist

from svr3d.errors import ConfigError

LAUNCHERS = ("none", "pytorch", "slurm", "mpi")
_NAMES = {
    "slurm": ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"),
    "mpi": (
        "OMPI_COMM_WORLD_RANK",
        "OMPI_COMM_WORLD_SIZE",
        "OMPI_COMM_WORLD_LOCAL_RANK",
    ),
}


def start_processes(launcher: str, *, timeout: float = 1800.0) -> None:
    """Join the other processes, by gloo, if there is no GPU.

    With GPUs nothing is done, as mmengine's own start works there.

    Args:
        launcher: 'none', 'pytorch' (torchrun), 'slurm' or 'mpi' (Open MPI).
        timeout: Seconds after which a process that waits for others gives up.

    Raises:
        ConfigError: If the launcher's environment variables are not set.
    """
    if launcher == "none" or dist.is_initialized():
        return
    if torch.cuda.is_available():
        wanted = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
        if wanted > torch.cuda.device_count():
            raise ConfigError(
                f"{wanted} processes on this machine: expected at most one per GPU, "
                f"found {torch.cuda.device_count()} GPUs"
            )
        return
    _set_environment(launcher)
    dist.init_process_group("gloo", timeout=datetime.timedelta(seconds=timeout))


def finish_processes(code: int = 0) -> int:
    """End a program of several processes together; return the code if it is one alone.

    A process that just exits takes the connections of slower ones with it, and the
    threads of gloo may abort it while Python tears itself down.

    Args:
        code: Exit code.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return code
    dist.barrier()
    atexit._run_exitfuncs()  # loggers, workers and temporary files end as they should
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _set_environment(launcher: str) -> None:
    """Translate a launcher's variables into those of torchrun."""
    if launcher in _NAMES:
        for target, name in zip(
            ("RANK", "WORLD_SIZE", "LOCAL_RANK"), _NAMES[launcher], strict=True
        ):
            os.environ[target] = _variable(name, launcher)
        os.environ.setdefault("MASTER_PORT", "29500")
        if "MASTER_ADDR" not in os.environ:
            os.environ["MASTER_ADDR"] = (
                _first_slurm_host() if launcher == "slurm" else "127.0.0.1"
            )
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        _variable(name, launcher)


def _variable(name: str, launcher: str) -> str:
    if name not in os.environ:
        start = {
            "pytorch": "torchrun, or tools/dist_train.sh",
            "slurm": "srun, or tools/slurm_train.sh",
            "mpi": "mpirun",
        }[launcher]
        raise ConfigError(
            f"--launcher {launcher}: expected the environment variable {name}, found "
            f"none; start the program with {start}"
        )
    return os.environ[name]


def _first_slurm_host() -> str:
    nodes = _variable("SLURM_NODELIST", "slurm")
    output = subprocess.run(
        ["scontrol", "show", "hostnames", nodes],
        check=True,
        capture_output=True,
        text=True,
    )
    return output.stdout.split()[0]
