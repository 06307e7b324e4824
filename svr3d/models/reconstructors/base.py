# SPDX-License-Identifier: Apache-2.0
"""The base class of all models that reconstruct shapes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import torch
from mmengine.model import BaseModel
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
    which arrive here through ``forward``.
    """

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
