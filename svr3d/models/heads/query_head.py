# SPDX-License-Identifier: Apache-2.0
"""Heads that answer at points."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from svr3d.structures import OccupancyField


class QueryHead(nn.Module):
    """A head that says of any point whether it lies inside.

    ``EncoderDecoder`` gives it the points of a training batch; what it predicts is a
    field that a conversion or a metric evaluates where it needs it.
    """

    @abstractmethod
    def forward(
        self, code: Tensor, points: Tensor, occupancies: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Answer at points.

        Args:
            code: (B, C) or (B, C, r, r, r).
            points: (B, T, 3) in the object frame.
            occupancies: Labels (B, T) in {0, 1}, for heads with a latent vector that is
                inferred from them in training.

        Returns:
            ``logits`` (B, T), and ``latent_mean`` and ``latent_log_std`` (B, Z) of
            heads with a latent vector.
        """

    @abstractmethod
    def to_structure(self, outputs: dict[str, Tensor]) -> OccupancyField:
        """Return the field of codes.

        Args:
            outputs: ``codes`` (B, C) or (B, C, r, r, r).
        """
