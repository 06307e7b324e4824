# SPDX-License-Identifier: Apache-2.0
"""Takes parts of the model into use from given epochs on."""

from collections.abc import Mapping

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import nn

from svr3d.errors import ConfigError
from svr3d.models.layers.staged_part import StagedPart


@HOOKS.register_module()
class StartPartsHook(Hook):
    """Stages of training: before each epoch it tells parts whether they are in use.

    That depends on the number of the epoch alone, so resumed runs do the same. The
    parts store it in the checkpoint.
    """

    def __init__(self, start_epochs: Mapping[str, int]):
        """Set up the stages.

        Args:
            start_epochs: Name of a part in the model, such as 'fusion' -> number of
                epochs that are trained before it is used.

        Raises:
            ValueError: If a number is negative.
        """
        for name, epoch in start_epochs.items():
            if epoch < 0:
                raise ValueError(
                    f"start_epochs: expected {name!r} to start at epoch 0 or later, "
                    f"found {epoch}"
                )
        self.start_epochs = dict(start_epochs)

    def before_train(self, runner: Runner) -> None:
        """Check that the model has those parts.

        Raises:
            ConfigError: If it has not, or if processes would wait for gradients of
                parts that are not in use yet.
        """
        for name in self.start_epochs:
            part = model_part(runner, name)
            if not isinstance(part, StagedPart):
                raise ConfigError(
                    f"StartPartsHook: expected {name!r} to be a part of the model that "
                    f"can start later (a StagedPart), found {type(part).__name__}"
                )
        late = [name for name, epoch in self.start_epochs.items() if epoch > 0]
        unused = runner.cfg.get("find_unused_parameters", False)
        if late and runner.distributed and not unused:
            raise ConfigError(
                f"StartPartsHook: {', '.join(late)} start late, so their weights have "
                "no gradients before; with several processes that needs "
                "find_unused_parameters=True in the config, found none"
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Switch the parts."""
        for name, start in self.start_epochs.items():
            part = model_part(runner, name)
            in_use = runner.epoch >= start
            if in_use and not part.in_use:
                runner.logger.info(f"{name} is in use from epoch {runner.epoch + 1} on")
            part.in_use = in_use


def model_part(runner: Runner, name: str) -> nn.Module | None:
    """Return a part of the runner's model, or None if it has no such part.

    Args:
        runner: Whose model, wrapped for several processes or not, is meant.
        name: Name of the part, such as 'fusion'.
    """
    model = runner.model
    model = model.module if is_model_wrapper(model) else model
    return getattr(model, name, None)
