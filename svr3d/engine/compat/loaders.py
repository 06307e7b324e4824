# SPDX-License-Identifier: Apache-2.0
"""What a data loader of a config leaves out, with defaults that work.

mmengine's default ``pseudo_collate`` hands lists to the model, and its default worker
start leaves workers to die of the Ctrl-C that the run itself survives.
"""

import os
import random
import signal
import threading
from typing import Any

import numpy as np
import torch
from mmengine.registry import FUNCTIONS


@FUNCTIONS.register_module(name="svr3d_init_worker")
def init_worker(worker: int) -> None:
    """Prepare a worker of a data loader.

    Signals often go to the whole process group, but only the main process decides: it
    finishes its iteration and then ends its workers. A worker whose main process died
    ends by itself, torch sees to that.

    Args:
        worker: Number of the worker.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _obey_parent_only()
    seed = torch.initial_seed() % 2**32  # differs among workers, torch sees to that
    random.seed(seed)
    np.random.seed(seed)
    torch.set_num_threads(1)


def _obey_parent_only() -> None:
    """Let SIGTERM end this process if its parent sent it, and ignore all others."""
    if not hasattr(signal, "sigwaitinfo"):  # macOS, Windows
        return
    parent = os.getppid()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def wait() -> None:
        while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
            pass
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def complete_loader(loader: dict[str, Any], *, training: bool) -> None:
    """Fill in, in place, what the config of a data loader does not say.

    Args:
        loader: ``train_dataloader``, ``val_dataloader`` or ``test_dataloader``.
        training: Whether it is the first of them: then samples are shuffled and
            ``batch_size`` is shared by all processes.
    """
    loader.setdefault("collate_fn", dict(type="default_collate"))
    loader.setdefault("worker_init_fn", dict(type="svr3d_init_worker"))
    if not loader.setdefault("num_workers", 0):
        loader.pop("persistent_workers", None)
        loader.pop("prefetch_factor", None)
    else:
        loader.setdefault("persistent_workers", True)
    loader.setdefault("pin_memory", torch.cuda.is_available())
    if not training:
        loader.setdefault("sampler", dict(type="DefaultSampler", shuffle=False))
        return
    if "sampler" not in loader and "batch_sampler" not in loader:
        shuffle = loader.pop("shuffle", True)
        loader["sampler"] = dict(type="GlobalSampler", shuffle=shuffle)
        drop_last = loader.pop("drop_last", False)
        loader["batch_sampler"] = dict(type="GlobalBatchSampler", drop_last=drop_last)
