# SPDX-License-Identifier: Apache-2.0
"""A small convolutional image encoder."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.layers.imagenet import image_normalization
from svr3d.registry import BACKBONES


@BACKBONES.register_module()
class SimpleConvEncoder(nn.Module):
    """3x3 convolutions of stride 2 without padding, the mean over space, a layer.

    ReLUs stand between the convolutions and before the linear layer, none between the
    last convolution and the mean. Source: ``simple_conv`` of Occupancy Networks
    (im2mesh/encoder/conv.py).

    Attributes:
        out_features: Length of the code.
    """

    def __init__(
        self,
        out_features: int = 256,
        *,
        widths: Sequence[int] = (32, 64, 128, 256, 512),
        normalize: bool = False,
    ):
        """Set up the encoder.

        Args:
            out_features: Length C of the code.
            widths: Output channels of the convolutions.
            normalize: Whether images come in [0, 1] and are normalised by ImageNet's
                statistics here, which the published program leaves out.
        """
        super().__init__()
        self.normalization = image_normalization(normalize)
        channels = (3, *widths)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 3, stride=2)
            for inputs, outputs in zip(channels[:-1], widths, strict=True)
        )
        self.fc_out = nn.Linear(channels[-1], out_features)
        self.out_features = out_features
        # A convolution without padding needs three pixels.
        self.smallest = 2 ** (len(widths) + 1) - 1

    def forward(self, images: Tensor) -> Tensor:
        """Encode images one by one.

        Args:
            images: (N, 3, H, W).

        Returns:
            Codes, (N, out_features).

        Raises:
            ValueError: If the images are too small for the convolutions.
        """
        if min(images.shape[-2:]) < self.smallest:
            raise ValueError(
                f"SimpleConvEncoder: expected images of at least {self.smallest} "
                f"pixels, found {images.shape[-2]}x{images.shape[-1]}"
            )
        x = self.normalization(images)
        for index, convolution in enumerate(self.convolutions):
            x = convolution(F.relu(x) if index else x)
        return self.fc_out(F.relu(x.mean((2, 3))))
