# SPDX-License-Identifier: Apache-2.0
"""The base class of all models that reconstruct shapes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from svr3d.errors import ConfigError, NonFiniteLossError

if TYPE_CHECKING:
    from svr3d.structures import Structure


class BaseReconstructor(BaseModel):
    """A model with two operations: ``loss(batch)`` and ``predict(batch)``.

    Methods that put what they see into a code have two more, which analyses of codes
    use: ``code(batch)`` and ``decode(codes)``.

    The batch is the collated dict of the data contract, after the data preprocessor.
    Runners call ``train_step``, ``val_step`` and ``test_step`` of mmengine's base,
    which arrive here through ``forward``. Where parts follow losses of their own,
    :attr:`trained_parts` names them and :meth:`part_losses` tells which.

    Attributes:
        trained_parts: Parts that have an optimiser each, of
            :class:`~svr3d.engine.part_optimizers.PartOptimizers`; None where one
            optimiser trains all by the sum of the losses.
    """

    trained_parts: Sequence[str] | None = None

    def __init__(
        self,
        data_preprocessor: dict | nn.Module | None = None,
        *,
        init_cfg: dict | list | None = None,
    ):
        """Set up the base.

        Args:
            data_preprocessor: Moves and normalises a batch; config or module.
            init_cfg: mmengine initialisation, applied before training.
        """
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self._sample_ids: list[str] = []

    def forward(self, mode: str = "loss", **batch: Any):
        """Dispatch on what is wanted.

        Args:
            mode: 'loss' or 'predict'.
            batch: Entries of the batch.

        Returns:
            Losses by name, or a batched structure.

        Raises:
            ValueError: If the mode is unknown.
        """
        if mode == "loss":
            self._sample_ids = list(batch.get("sample_id", ()))
            return self.loss(batch)
        if mode == "predict":
            return self.predict(batch)
        raise ValueError(f"mode: expected 'loss' or 'predict', found {mode!r}")

    def train_step(
        self, data: dict | tuple | list, optim_wrapper: OptimWrapper | OptimWrapperDict
    ) -> dict[str, Tensor]:
        """Update the parameters by the sum of the losses, or each part by its own.

        Args:
            data: Collated batch.
            optim_wrapper: An optimiser, or one for each of :attr:`trained_parts`.

        Returns:
            Losses for the log.

        Raises:
            ConfigError: If the optimisers are not those of the parts.
            NonFiniteLossError: If a loss is not finite.
        """
        if not isinstance(optim_wrapper, OptimWrapperDict):
            if self.trained_parts is not None:
                raise ConfigError(
                    "optim_wrapper: expected PartOptimizers of "
                    f"{', '.join(self.trained_parts)}, found "
                    f"{type(optim_wrapper).__name__}"
                )
            return super().train_step(data, optim_wrapper)
        with optim_wrapper.optim_context(self):
            data = self.data_preprocessor(data, True)
            losses = self._run_forward(data, mode="loss")
        total, logs = self.parse_losses(losses)
        optim_wrapper.update_params(self.part_losses(losses, total))
        return logs

    def part_losses(
        self, losses: dict[str, Tensor], total: Tensor
    ) -> dict[str, Tensor]:
        """Return the scalars that parts follow in this step.

        Args:
            losses: What :meth:`loss` returned.
            total: Sum of the losses. Parts that follow the same tensor share its
                backward pass.

        Returns:
            Part -> scalar; parts that are left out do not step.

        Raises:
            ConfigError: If the model has no such parts.
        """
        raise ConfigError(
            f"optim_wrapper: {type(self).__name__} trains by the sum of its losses: "
            "expected one optimiser, found PartOptimizers"
        )

    @abstractmethod
    def loss(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Return scalar losses by name for a batch with targets."""

    @abstractmethod
    def predict(self, batch: dict[str, Any]) -> Structure:
        """Return the batched structure that is reconstructed."""

    def code(self, batch: dict[str, Any]) -> Tensor:
        """Return what the model makes of each sample before it makes a shape of it.

        Args:
            batch: What ``predict`` takes, after the data preprocessor.

        Returns:
            Codes (B, C), or (B, ...) of methods whose code has a form, such as a grid.

        Raises:
            ConfigError: If the method has no code.
        """
        raise _without_code(self, "code")

    def decode(self, codes: Tensor) -> Structure:
        """Return the shapes of codes, those of ``code`` or others like them.

        Args:
            codes: (B, ...) of the form that :meth:`code` returns.

        Raises:
            ConfigError: If the method has no code.
        """
        raise _without_code(self, "decode")

    def parse_losses(
        self, losses: dict[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Sum the losses and refuse to train on one that is not finite.

        Args:
            losses: Scalars by name; those with 'loss' in their name are summed.

        Returns:
            The sum, and all values for the log.

        Raises:
            NonFiniteLossError: If the sum is NaN or infinite; it carries the batch's
                sample ids.
        """
        total, logs = super().parse_losses(losses)
        if not torch.isfinite(total):
            values = ", ".join(f"{key} = {float(value)}" for key, value in logs.items())
            ids = ", ".join(self._sample_ids) or "unknown"
            raise NonFiniteLossError(
                f"training loss: expected a finite number, found {values}; "
                f"samples of the batch: {ids}",
                sample_ids=self._sample_ids,
            )
        return total, logs


def _without_code(model: BaseReconstructor, name: str) -> ConfigError:
    return ConfigError(
        f"{type(model).__name__}: expected a method with a code (one that has "
        f"{name!r}), found one without"
    )
