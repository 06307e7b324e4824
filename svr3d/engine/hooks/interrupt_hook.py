# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and SIGTERM end a run at the next iteration, with a checkpoint."""

import os
import signal
import sys
import threading
from types import FrameType

import torch.distributed as dist
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from svr3d.engine.distributed import any_process
from svr3d.engine.loops import StopInValidation

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@HOOKS.register_module()
class InterruptHook(Hook):
    """Lets the running iteration finish, saves a checkpoint and ends the run.

    All processes of a run stop after the same iteration, whichever got the signal. A
    second Ctrl-C ends a run of one process at once, without a checkpoint.
    """

    priority = "LOWEST"

    def __init__(self):
        self._signal: int | None = None
        self._previous: dict[int, object] = {}
        self._process = os.getpid()
        self._group: dist.ProcessGroup | None = None

    def before_train(self, runner: Runner):
        """Take over the signals, if this is the main thread."""
        self._signal, self._process = None, os.getpid()
        if runner.world_size > 1:
            self._group = dist.new_group(backend="gloo")
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._previous[number] = signal.signal(number, self._receive)

    def after_train(self, runner: Runner):
        """Give the signals back."""
        self.release()

    def release(self) -> None:
        """Give the signals back to who had them."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a worker that was forked from here
            return
        if self._signal is not None:
            # Launchers repeat signals; a user who asks twice does not want to wait.
            if number == signal.SIGINT and self._group is None:
                raise KeyboardInterrupt
            return
        self._signal = number
        if os.environ.get("RANK", "0") == "0":
            name = signal.Signals(number).name
            print(
                f"\n{name}: finishing this iteration, then saving a checkpoint",
                file=sys.stderr,
                flush=True,
            )

    def _is_asked_to_stop(self) -> bool:
        return any_process(self._signal is not None, self._group)

    def after_iteration_is_complete(self, runner: Runner):
        """Stop between two training iterations."""
        if self._is_asked_to_stop():
            runner.stop()

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ):
        """Leave a validation; the training loop then stops."""
        if self._previous and self._is_asked_to_stop():
            raise StopInValidation
