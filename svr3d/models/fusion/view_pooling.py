# SPDX-License-Identifier: Apache-2.0
"""What fusions have in common that make one of several alike."""

from abc import abstractmethod

from torch import Tensor, nn


class ViewPooling(nn.Module):
    """A fusion whose result has the shape of what each view gives.

    It therefore serves before a head, on codes, as well as behind it, on volumes.
    """

    @abstractmethod
    def forward(self, features: Tensor, context: Tensor | None = None) -> Tensor:
        """Fuse the views.

        Args:
            features: (B, V, C) or (B, V, C, r, r, r), any V >= 1.
            context: (B, V, K, r, r, r), what else is known of each view's features,
                for fusions that choose among views by it.

        Returns:
            (B, C) or (B, C, r, r, r).
        """
