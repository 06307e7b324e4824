# SPDX-License-Identifier: Apache-2.0
"""What the decoders of occupancy networks have in common."""

from abc import abstractmethod

from torch import Tensor, nn


class PointDecoder(nn.Module):
    """A decoder that answers at each point by itself.

    Attributes:
        code_features: Length C of a code, 0 for none.
        latent_features: Length Z of a latent vector, 0 for none.
    """

    def __init__(self, code_features: int, latent_features: int):
        """Set up the decoder.

        Args:
            code_features: Length C of a code.
            latent_features: Length Z of a latent vector.
        """
        super().__init__()
        self.code_features = code_features
        self.latent_features = latent_features

    @abstractmethod
    def forward(self, points: Tensor, latent: Tensor, code: Tensor) -> Tensor:
        """Decode points.

        Args:
            points: (B, T, 3) in the object frame.
            latent: (B, Z).
            code: (B, C).

        Returns:
            Logits, (B, T).
        """

    @abstractmethod
    def evaluate(self, points: Tensor, latent: Tensor, code: Tensor) -> Tensor:
        """Decode points as :meth:`forward` does in evaluation, in whichever mode.

        Args:
            points: (B, T, 3) in the object frame.
            latent: (B, Z).
            code: (B, C).

        Returns:
            Logits, (B, T), differentiable as any.
        """

    def check(self, latent: Tensor, code: Tensor) -> None:
        """Raise ValueError unless latent and code have the expected lengths.

        Args:
            latent: (B, Z).
            code: (B, C).
        """
        for name, tensor, length in (
            ("latent", latent, self.latent_features),
            ("code", code, self.code_features),
        ):
            if tensor.ndim != 2 or tensor.shape[1] != length:
                raise ValueError(
                    f"{type(self).__name__}: expected {name} (B, {length}), found "
                    f"{tuple(tensor.shape)}"
                )
