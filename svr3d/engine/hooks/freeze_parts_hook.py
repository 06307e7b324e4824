# SPDX-License-Identifier: Apache-2.0
"""Keeps parts of the model as they are, for all of training or its first epochs."""

from collections.abc import Sequence

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import nn

from svr3d.engine.hooks.start_parts_hook import model_part
from svr3d.errors import ConfigError


@HOOKS.register_module()
class FreezePartsHook(Hook):
    """Freezes parts: their weights are not trained.

    What is frozen depends on the number of the epoch alone, so resumed runs do the
    same. ``statistics='batch', until_epoch=120`` is what AtlasNet's program does with
    ``train_only_encoder``: its decoder goes on normalising by batches, and its first
    new optimiser, at epoch 120, gets all parameters.
    """

    def __init__(
        self,
        parts: Sequence[str],
        *,
        statistics: str = "kept",
        until_epoch: int | None = None,
    ):
        """Set up what is frozen.

        Args:
            parts: Names of parts in the model, such as 'head'.
            statistics: 'kept' lets their batch norms take their running statistics, as
                in evaluation, and keep them; 'batch' lets them go on as in training.
            until_epoch: Epochs that are trained before the parts are; None for all.

        Raises:
            ValueError: If ``statistics`` is unknown or the epoch negative.
        """
        if statistics not in ("kept", "batch"):
            raise ValueError(
                f"statistics: expected 'kept' or 'batch', found {statistics!r}"
            )
        if until_epoch is not None and until_epoch < 0:
            raise ValueError(f"until_epoch: expected 0 or more, found {until_epoch}")
        self.parts = [parts] if isinstance(parts, str) else list(parts)
        self.statistics, self.until_epoch = statistics, until_epoch

    def before_train(self, runner: Runner) -> None:
        """Check that the model has those parts.

        Raises:
            ConfigError: If it has not, or if processes would wait for gradients of
                parts that are frozen.
        """
        for name in self.parts:
            if not isinstance(model_part(runner, name), nn.Module):
                raise ConfigError(f"FreezePartsHook: the model has no part {name!r}")
        if runner.distributed and not runner.cfg.get("find_unused_parameters", False):
            raise ConfigError(
                f"FreezePartsHook: the weights of {', '.join(self.parts)} have no "
                "gradients; with several processes that needs "
                "find_unused_parameters=True in the config, found none"
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Freeze the parts, or set them free."""
        frozen = self._frozen(runner)
        for name in self.parts:
            part = model_part(runner, name)
            trained = any(p.requires_grad for p in part.parameters())
            if not frozen and not trained:
                runner.logger.info(f"{name} is trained from epoch {runner.epoch + 1}")
            part.requires_grad_(not frozen)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch=None):
        """Keep statistics: the loop has put the whole model into training mode."""
        if self.statistics == "kept" and self._frozen(runner):
            for name in self.parts:
                model_part(runner, name).eval()

    def _frozen(self, runner: Runner) -> bool:
        return self.until_epoch is None or runner.epoch < self.until_epoch
