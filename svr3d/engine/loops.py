# SPDX-License-Identifier: Apache-2.0
"""Training loops that continue from any iteration as if they had never stopped."""

from collections.abc import Iterator
from typing import Any

from mmengine.hooks import EMAHook
from mmengine.logging import print_log
from mmengine.registry import LOOPS
from mmengine.runner import (
    BaseLoop,
    EpochBasedTrainLoop,
    IterBasedTrainLoop,
    Runner,
)
from mmengine.runner.utils import calc_dynamic_intervals
from torch import nn
from torch.utils.data import DataLoader

from svr3d.engine.random_state import (
    capture_random_state,
    preserved_random_state,
    restore_random_state,
)
from svr3d.engine.samplers import GlobalBatchSampler


class StopInValidation(Exception):
    """A signal asked to stop while a validation was running."""


class ResumableLoop:
    """What both loops share: their place in the data, and validation.

    Attributes:
        batches_done: Batches of the current epoch that are trained already.
        random_state: Generators to restore when the loop starts, or None.
        validated: Iteration after which the last validation ran, or -1.
    """

    batches_done = 0
    random_state: dict | None = None
    validated = -1

    @property
    def batch_sampler(self) -> GlobalBatchSampler | None:
        """The sampler that can start anywhere, if the config uses it."""
        sampler = self.dataloader.batch_sampler
        return sampler if isinstance(sampler, GlobalBatchSampler) else None

    def _batches(self, position: int, skip: int, *, endless: bool) -> Iterator[Any]:
        """Iterate over batches.

        Args:
            position: Number of the first batch since the run's start.
            skip: How many batches a sampler must leave out that starts at an epoch.
            endless: Whether to go on over the ends of epochs.
        """
        sampler = self.batch_sampler
        if sampler is None:
            return self._replayed(skip, endless=endless)
        sampler.position, sampler.endless = position, endless
        if not skip:
            return iter(self.dataloader)
        # An uninterrupted run has its iterator already; making one draws numbers.
        with preserved_random_state():
            return iter(self.dataloader)

    def _replayed(self, skip: int, *, endless: bool) -> Iterator[Any]:
        """Iterate with a foreign sampler, which cannot start in the middle."""
        epoch, skip = divmod(skip, max(len(self.dataloader), 1))
        if not endless:
            epoch += self._epoch
        if skip:
            print_log(
                f"The sampler cannot start in the middle of an epoch: {skip} batches "
                "are loaded to be skipped; GlobalBatchSampler avoids this",
                "current",
                30,
            )
        while True:
            for owner in (self.dataloader.sampler, self.dataloader.batch_sampler):
                owner = getattr(owner, "sampler", owner)
                if hasattr(owner, "set_epoch"):
                    owner.set_epoch(epoch)
            iterator = iter(self.dataloader)
            for _ in range(skip):
                next(iterator)
            yield from iterator
            epoch, skip = epoch + 1, 0
            if not endless:
                return

    def _restore_random_state(self) -> None:
        if self.random_state is not None:
            restore_random_state(self.random_state)
            self.random_state = None

    def _announce_share(self, position: int) -> None:
        """Tell the model wrapper how the next batch is shared."""
        sampler, model = self.batch_sampler, self.runner.model
        if sampler is not None and hasattr(model, "set_share"):
            sizes = sampler.share_sizes(position)
            rank = sampler.rank
            model.set_share(sum(sizes[:rank]), sizes[rank], sum(sizes))

    def _validate(self, due: bool) -> None:
        """Validate unless that was done for this state of the weights.

        A validation that a signal stops is undone, and run again after resuming.
        """
        if not due or self.runner.val_loop is None or self.validated == self._iter:
            return
        before = capture_random_state()
        try:
            self.runner.val_loop.run()
        except StopInValidation:
            restore_random_state(before)
            for hook in self.runner.hooks:
                if isinstance(hook, EMAHook):  # it has swapped the weights
                    hook.after_val_epoch(self.runner)
            self.runner.stop()


@LOOPS.register_module()
class ResumableEpochLoop(ResumableLoop, EpochBasedTrainLoop):
    """Trains by epochs; continues in the middle of one, and runs a missed validation.

    Arguments are those of mmengine's EpochBasedTrainLoop.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: DataLoader | dict,
        *,
        max_epochs: int,
        val_begin: int = 1,
        val_interval: int = 1,
        dynamic_intervals: list[tuple[int, int]] | None = None,
    ):
        """Set up the loop.

        Args:
            runner: The runner.
            dataloader: Training data; config or loader.
            max_epochs: Number of epochs.
            val_begin: First epoch that is validated.
            val_interval: Epochs from one validation to the next.
            dynamic_intervals: Pairs of an epoch and the interval that holds from it.
        """
        super().__init__(
            runner, dataloader, max_epochs, val_begin, val_interval, dynamic_intervals
        )

    def run(self) -> nn.Module:
        """Train, and return the model."""
        self.runner.call_hook("before_train")
        self._restore_random_state()
        if self._epoch and not self.batches_done:
            self._decide_current_val_interval()
            self._validate(self._is_validation_due())
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._decide_current_val_interval()
            self._validate(self._is_validation_due())
        self.runner.call_hook("after_train")
        return self.runner.model

    def run_epoch(self) -> None:
        """Train what is left of the current epoch."""
        self.runner.call_hook("before_train_epoch")
        self.runner.model.train()
        done, length = self.batches_done, len(self.dataloader)
        if done < length:
            first = self._epoch * length
            batches = self._batches(first + done, done, endless=False)
            for number, batch in enumerate(batches, done):
                self._announce_share(first + number)
                self.run_iter(number, batch)
                self.batches_done = number + 1
                self.runner.call_hook("after_iteration_is_complete")
        self.runner.call_hook("after_train_epoch")
        self._epoch += 1
        self.batches_done = 0

    def _is_validation_due(self) -> bool:
        return self._epoch >= self.val_begin and (
            self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs
        )


@LOOPS.register_module()
class ResumableIterLoop(ResumableLoop, IterBasedTrainLoop):
    """Trains by iterations; continues without loading what was trained already.

    mmengine 0.10.7 loads all skipped batches again when it resumes.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: DataLoader | dict,
        *,
        max_iters: int,
        val_begin: int = 1,
        val_interval: int = 1000,
        dynamic_intervals: list[tuple[int, int]] | None = None,
    ):
        """Set up the loop.

        Args:
            runner: The runner.
            dataloader: Training data; config or loader.
            max_iters: Number of iterations.
            val_begin: First iteration that is validated.
            val_interval: Iterations from one validation to the next.
            dynamic_intervals: Pairs of an iteration and the interval from there.
        """
        # Not that of IterBasedTrainLoop: it starts workers before the first iteration
        # is known.
        BaseLoop.__init__(self, runner, dataloader)
        self._max_iters, self._max_epochs = max_iters, 1
        self._epoch = self._iter = 0
        self.val_begin, self.val_interval = val_begin, val_interval
        self.stop_training = False
        self.runner.visualizer.dataset_meta = getattr(
            self.dataloader.dataset, "metainfo", None
        )
        self.dynamic_milestones, self.dynamic_intervals = calc_dynamic_intervals(
            val_interval, dynamic_intervals
        )

    def run(self) -> nn.Module:
        """Train, and return the model."""
        self.runner.call_hook("before_train")
        self.runner.call_hook("before_train_epoch")
        self._restore_random_state()
        if self._iter:
            self._decide_current_val_interval()
            self._validate(self._is_validation_due())
        batches = None
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            if batches is None:
                batches = self._batches(self._iter, self._iter, endless=True)
            self._announce_share(self._iter)
            self.run_iter(next(batches))
            self.runner.call_hook("after_iteration_is_complete")
            self._decide_current_val_interval()
            self._validate(self._is_validation_due())
        self.runner.call_hook("after_train_epoch")
        self.runner.call_hook("after_train")
        return self.runner.model

    def _is_validation_due(self) -> bool:
        return self._iter >= self.val_begin and (
            self._iter % self.val_interval == 0 or self._iter == self._max_iters
        )
