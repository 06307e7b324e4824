# SPDX-License-Identifier: Apache-2.0
"""The customary normalisation of images for networks trained on ImageNet."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


class ImageNetNormalization(nn.Module):
    """(x - mean) / std per channel, with the statistics of ImageNet.

    For encoders that take images in [0, 1]; where a data preprocessor normalises
    already, they are told not to.
    """

    def __init__(
        self,
        mean: Sequence[float] = MEAN,
        std: Sequence[float] = STD,
    ):
        """Set up the layer.

        Args:
            mean: Of each channel, where it is not ImageNet's.
            std: Standard deviation of each channel.
        """
        super().__init__()
        for name, values in (("mean", mean), ("std", std)):
            tensor = torch.tensor(values).view(-1, 1, 1)
            self.register_buffer(name, tensor, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Normalise RGB images in [0, 1].

        Args:
            images: (N, 3, H, W).

        Returns:
            The same shape; the input is left as it is.
        """
        return (images - self.mean) / self.std


def image_normalization(normalize: bool) -> nn.Module:
    """Return the normalisation, or what leaves images as they are.

    Args:
        normalize: Which of the two.
    """
    return ImageNetNormalization() if normalize else nn.Identity()
