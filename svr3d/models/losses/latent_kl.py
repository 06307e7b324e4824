# SPDX-License-Identifier: Apache-2.0
"""Divergence of a latent vector's distribution from its prior."""

import torch
from torch import Tensor, nn

from svr3d.registry import LOSSES


def kl_to_unit_normal(mean: Tensor, log_std: Tensor) -> Tensor:
    """Return KL(N(mean, exp(log_std)^2) || N(0, 1)) of each element.

    -log s + (s^2 + m^2) / 2 - 1/2.

    Args:
        mean: Any shape.
        log_std: Logarithm of the standard deviation, that shape.
    """
    return (torch.exp(2 * log_std) + mean.square() - 1) / 2 - log_std


@LOSSES.register_module()
class LatentKL(nn.Module):
    """Kullback-Leibler divergence of the inferred distribution from N(0, 1).

    Summed over the latent vector, averaged over the batch. Source: Mescheder et al.,
    "Occupancy Networks" (CVPR 2019), equation 4, and im2mesh/onet/training.py of
    autonomousvision/occupancy_networks.
    """

    def __init__(self, weight: float = 1.0):
        """Set up the loss.

        Args:
            weight: Factor of the mean over the batch.
        """
        super().__init__()
        self.weight = weight

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        """Measure the divergence.

        Args:
            outputs: ``latent_mean`` and ``latent_log_std``, (B, Z).
            batch: Unused.

        Returns:
            Scalar, float32.

        Raises:
            ValueError: If the head inferred no latent vector.
        """
        for key in ("latent_mean", "latent_log_std"):
            if key not in outputs:
                raise ValueError(
                    f"LatentKL: expected {key!r} of a head with a latent part, found "
                    f"{', '.join(map(repr, outputs))}"
                )
        mean, log_std = outputs["latent_mean"], outputs["latent_log_std"]
        divergence = kl_to_unit_normal(mean.float(), log_std.float()).sum(1)
        return self.weight * divergence.mean()
