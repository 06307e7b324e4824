# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of which a good one exists at every moment."""

from collections import deque
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from svr3d.engine.atomic import remove_leftovers, write_text_atomically
from svr3d.engine.checkpoint import LAST
from svr3d.errors import ConfigError

INTERRUPTED = "interrupted.pth"


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """Saves by interval, the best by a metric, and what a signal interrupted.

    Unlike mmengine's hook it removes an old checkpoint only after the new one and the
    note ``last_checkpoint`` are on the disk; so a run that is killed at any moment
    leaves a checkpoint to resume from, and the best one.
    """

    def __init__(
        self,
        interval: int = 1,
        *,
        by_epoch: bool = True,
        max_keep_ckpts: int = 2,
        save_last: bool = True,
        save_best: str | list[str] | None = None,
        rule: str | list[str] | None = None,
        save_begin: int = 0,
    ):
        """Set up the policy; names are mmengine's.

        Args:
            interval: Epochs or iterations from one checkpoint to the next; -1 for
                none.
            by_epoch: Whether the interval counts epochs.
            max_keep_ckpts: How many of them are kept; -1 for all.
            save_last: Whether the end of training is saved in any case.
            save_best: Metrics whose best weights are kept, such as 'voxel/iou_max'.
            rule: 'greater' or 'less' for each; 'greater' if None.
            save_begin: First epoch or iteration that may be saved.
        """
        super().__init__(
            interval=interval,
            by_epoch=by_epoch,
            max_keep_ckpts=max_keep_ckpts,
            save_last=save_last,
            save_best=save_best,
            rule=rule or ("greater" if save_best else None),
            save_begin=save_begin,
        )

    def before_train(self, runner: Runner):
        """Look at what the folder has, and remove what killed writers left."""
        super().before_train(runner)
        if is_main_process():
            remove_leftovers(self.out_dir)
        if self.max_keep_ckpts > 0:
            # mmengine's has a maximal length, and forgets names instead of files.
            self.keep_ckpt_ids = deque(self.keep_ckpt_ids)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float]):
        """Save the weights if they are the best so far.

        Raises:
            ConfigError: If there is no such metric.
        """
        for name in self.save_best or ():
            if metrics and name not in metrics and name != "auto":
                raise ConfigError(
                    f"default_hooks.checkpoint.save_best: expected one of "
                    f"{', '.join(sorted(metrics))}, found {name!r}"
                )
        super().after_val_epoch(runner, metrics)

    def save_interrupted(self, runner: Runner) -> Path:
        """Save the state between two iterations, and return the file."""
        meta = dict(epoch=runner.epoch, iter=runner.iter)
        self._write(runner, INTERRUPTED, meta)
        return Path(self.out_dir, INTERRUPTED)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        outdated = []
        if self.max_keep_ckpts > 0:
            if step not in self.keep_ckpt_ids:
                self.keep_ckpt_ids.append(step)
            while len(self.keep_ckpt_ids) > self.max_keep_ckpts:
                outdated.append(self.keep_ckpt_ids.popleft())
            runner.message_hub.update_info("keep_ckpt_ids", list(self.keep_ckpt_ids))
        self._write(runner, self.filename_tmpl.format(step), meta)
        if is_main_process():
            names = [self.filename_tmpl.format(old) for old in outdated]
            for name in (*names, INTERRUPTED):
                Path(self.out_dir, name).unlink(missing_ok=True)

    def _write(self, runner: Runner, name: str, meta: dict) -> None:
        self.last_ckpt = str(Path(self.out_dir, name))
        runner.message_hub.update_info("last_ckpt", self.last_ckpt)
        runner.save_checkpoint(self.out_dir, name, meta=meta, by_epoch=self.by_epoch)
        if is_main_process():
            # The name alone, so that a folder may be moved.
            write_text_atomically(Path(runner.work_dir, LAST), self.last_name(runner))

    def last_name(self, runner: Runner) -> str:
        """Return what ``last_checkpoint`` says: relative where that is possible."""
        last = Path(self.last_ckpt)
        folder = Path(runner.work_dir)
        return str(last.relative_to(folder) if last.is_relative_to(folder) else last)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, Any]) -> None:
        backend, self.file_backend = self.file_backend, _LateRemoval(self.file_backend)
        try:
            super()._save_best_checkpoint(runner, metrics)
            if is_main_process():
                self.file_backend.finish(keep=self._best_paths())
        finally:
            self.file_backend = backend

    def _best_paths(self) -> set[str]:
        if not self.save_best:
            return set()
        if len(self.key_indicators) == 1:
            return {str(self.best_ckpt_path)}
        return {str(path) for path in self.best_ckpt_path_dict.values()}


class _LateRemoval:
    """A file backend that removes files when it is told that others are written."""

    def __init__(self, backend: Any):
        self._backend = backend
        self._removed: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def remove(self, path: str) -> None:
        self._removed.append(str(path))

    def finish(self, keep: set[str]) -> None:
        for path in self._removed:
            if path not in keep:
                Path(path).unlink(missing_ok=True)
