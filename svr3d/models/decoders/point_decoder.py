# SPDX-License-Identifier: Apache-2.0
"""What the decoders of occupancy networks have in common."""

from abc import abstractmethod

import torch
from torch import Tensor, nn

# On CPUs, points whose features stay in a cache on the way through a decoder.
_POINTS_AT_ONCE = 4096


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

    def forward(self, points: Tensor, latent: Tensor, code: Tensor) -> Tensor:
        """Decode points; in training, norms take the statistics of the batch.

        Args:
            points: (B, T, 3) in the object frame.
            latent: (B, Z).
            code: (B, C).

        Returns:
            Logits, (B, T).

        Raises:
            ValueError: If latent or code have another length than configured.
        """
        if not self.training:
            return self.evaluate(points, latent, code)
        self._check(latent, code)
        return self.decode(points, latent, code, training=True)

    def evaluate(self, points: Tensor, latent: Tensor, code: Tensor) -> Tensor:
        """Decode points as :meth:`forward` does in evaluation, whichever the mode.

        Without gradients this may take a faster way.

        Args:
            points: (B, T, 3) in the object frame.
            latent: (B, Z).
            code: (B, C).

        Returns:
            Logits, (B, T), differentiable any number of times.

        Raises:
            ValueError: If latent or code have another length than configured.
        """
        self._check(latent, code)
        if torch.is_grad_enabled():
            return self.decode(points, latent, code, training=False)
        return self.decode_fast(points, latent, code)

    @abstractmethod
    def decode(
        self, points: Tensor, latent: Tensor, code: Tensor, *, training: bool
    ) -> Tensor:
        """Decode by the statistics of the batch, or by the running ones.

        Args:
            points: (B, T, 3) in the object frame.
            latent: (B, Z).
            code: (B, C).
            training: Whether norms take the statistics of the batch.

        Returns:
            Logits, (B, T).
        """

    def decode_fast(self, points: Tensor, latent: Tensor, code: Tensor) -> Tensor:
        """Decode by running statistics and without gradients, as :meth:`decode`."""
        logits = [
            self.decode(part, latent, code, training=False)
            for part in points.split(points_at_once(points), dim=1)
        ]
        return torch.cat(logits, dim=1)

    def _check(self, latent: Tensor, code: Tensor) -> None:
        for name, tensor, length in (
            ("latent", latent, self.latent_features),
            ("code", code, self.code_features),
        ):
            if tensor.ndim != 2 or tensor.shape[1] != length:
                raise ValueError(
                    f"{type(self).__name__}: expected {name} (B, {length}), found "
                    f"{tuple(tensor.shape)}"
                )


def points_at_once(points: Tensor) -> int:
    """Return how many points (..., T, 3) to decode at once, at least 1."""
    if points.device.type == "cpu":
        return _POINTS_AT_ONCE
    return max(1, points.shape[-2])


def enter(layer: nn.Module, points: Tensor) -> Tensor:
    """Apply the first layer, in full precision under autocast too.

    Coordinates in bfloat16 would move points by up to 1/500 of the object.

    Args:
        layer: (B, T, 3) -> (B, T, H).
        points: (B, T, 3).

    Returns:
        (B, T, H), in half precision under autocast.
    """
    device = points.device.type
    with torch.autocast(device, enabled=False):
        x = layer(points)
    if torch.is_autocast_enabled(device):
        return x.to(torch.get_autocast_dtype(device))
    return x


def add_vector(points: Tensor, layer: nn.Module | None, vector: Tensor) -> Tensor:
    """Add what a layer makes of each object's vector to all its points.

    Args:
        points: Features (B, T, H).
        layer: (B, C) -> (B, H); None adds nothing.
        vector: (B, C).

    Returns:
        (B, T, H).
    """
    return points if layer is None else points + layer(vector).unsqueeze(1)


def optional_linear(in_features: int, out_features: int) -> nn.Linear | None:
    """Return a linear layer, or None for vectors of length 0."""
    return nn.Linear(in_features, out_features) if in_features else None
