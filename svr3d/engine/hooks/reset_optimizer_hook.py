# SPDX-License-Identifier: Apache-2.0
"""Lets the optimiser begin anew at given epochs."""

from collections.abc import Sequence

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner


@HOOKS.register_module()
class ResetOptimizerHook(Hook):
    """Empties the optimiser's state: running means of gradients, and step counts.

    AtlasNet's program makes a new Adam whenever it divides the learning rate. With
    ``MultiStepLR`` of the same epochs this is the same.
    """

    def __init__(self, epochs: Sequence[int]):
        """Set up the epochs.

        Args:
            epochs: Numbers of epochs, counted from 0, before which it happens.

        Raises:
            ValueError: If one is negative.
        """
        if any(epoch < 0 for epoch in epochs):
            raise ValueError(f"epochs: expected 0 or more, found {list(epochs)}")
        self.epochs = frozenset(epochs)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch=None):
        """Empty the state in front of an epoch's first iteration.

        A run that is resumed within an epoch has what came after.
        """
        if batch_idx == 0 and runner.epoch in self.epochs:
            runner.optim_wrapper.optimizer.state.clear()
            runner.logger.info(f"the optimiser begins anew at epoch {runner.epoch + 1}")
