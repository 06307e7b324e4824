# SPDX-License-Identifier: Apache-2.0
"""An image encoder of strided convolutions and linear layers."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.registry import BACKBONES


@BACKBONES.register_module()
class StridedConvEncoder(nn.Module):
    """5x5 convolutions that halve the image, then linear layers, without norms.

    A ReLU follows each layer but the last. The maps are flattened in (C, H, W) order.
    Weights start as PyTorch's own. Source: Peng et al., "Learning pose-invariant 3D
    object reconstruction from single-view images" (2020), ``Encoder`` in models.py of
    bomb2peng/learn3D, which has the networks of Kato et al., "Neural 3D Mesh Renderer"
    (2018). For images of 128 pixels it has a fourth convolution, to 512 channels. Its
    two linear layers that are never used are left out.

    Attributes:
        out_features: Length of the code.
    """

    def __init__(
        self,
        out_features: int = 512,
        *,
        in_channels: int = 4,
        widths: Sequence[int] = (64, 128, 256),
        hidden_features: Sequence[int] = (1024, 1024),
        kernel_size: int = 5,
        image_size: int = 64,
    ):
        """Set up the encoder.

        Args:
            out_features: Length C of the code.
            in_channels: Channels of the images: 4 where a mask follows the colours.
            widths: Output channels of the convolutions, each of which halves the image.
            hidden_features: Features of the linear layers before the last.
            kernel_size: Odd side of the kernels; half of it is padding.
            image_size: Height and width of the images in pixels.

        Raises:
            ValueError: If a kernel is even or there is no convolution.
        """
        super().__init__()
        if kernel_size % 2 == 0 or not widths:
            raise ValueError(
                "StridedConvEncoder: expected an odd kernel_size and at least one of "
                f"widths, found {kernel_size} and {list(widths)}"
            )
        self.image_size, self.in_channels = image_size, in_channels
        channels, side = (in_channels, *widths), image_size
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, kernel_size, 2, kernel_size // 2)
            for inputs, outputs in zip(channels, widths, strict=False)
        )
        for _ in widths:
            side = (side + 1) // 2
        features = (channels[-1] * side * side, *hidden_features)
        self.layers = nn.ModuleList(
            nn.Linear(inputs, outputs)
            for inputs, outputs in zip(features, hidden_features, strict=False)
        )
        self.last_layer = nn.Linear(features[-1], out_features)
        self.out_features = out_features

    def forward(self, images: Tensor) -> Tensor:
        """Encode images one by one.

        Args:
            images: (N, in_channels, image_size, image_size).

        Returns:
            Codes, (N, out_features).

        Raises:
            ValueError: If the images have another size or other channels.
        """
        expected = (self.in_channels, self.image_size, self.image_size)
        if images.shape[1:] != expected:
            raise ValueError(
                f"StridedConvEncoder: expected images of shape {expected} "
                f"(in_channels, image_size), found {tuple(images.shape[1:])}"
            )
        x = images
        for convolution in self.convolutions:
            x = F.relu(convolution(x))
        x = x.flatten(1)
        for layer in self.layers:
            x = F.relu(layer(x))
        return self.last_layer(x)
