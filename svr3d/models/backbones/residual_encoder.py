# SPDX-License-Identifier: Apache-2.0
"""Residual image encoder of Res3D-GRU-3."""

from collections.abc import Sequence

from torch import Tensor, nn

from svr3d.models.layers import ResidualBlock, initialize
from svr3d.registry import BACKBONES


@BACKBONES.register_module()
class ResidualEncoder(nn.Module):
    """Residual stages with max-pooling, then one linear layer without activation.

    Each stage is a :class:`~svr3d.models.layers.ResidualBlock` with a 2x2 max-pool in
    ceil mode, so an image of 127 pixels ends as 2x2 after six stages.
    Source: Choy et al., "3D-R2N2" (ECCV 2016), in the form of the PaddlePaddle
    program (models/encoder.py); stages 1 and 4 have no shortcut there.
    """

    def __init__(
        self,
        widths: Sequence[int] = (96, 128, 256, 256, 256, 256),
        *,
        shortcuts: Sequence[str] = (
            "none",
            "projection",
            "projection",
            "none",
            "projection",
            "projection",
        ),
        image_size: int = 127,
        in_channels: int = 3,
        out_features: int = 1024,
        first_kernel: int = 7,
        slope: float = 0.1,
        initialization: str = "paddle",
    ):
        """Set up the encoder.

        Args:
            widths: Output channels of the stages.
            shortcuts: For each stage 'none', 'identity' or 'projection'.
            image_size: Height and width of the images in pixels.
            in_channels: Channels of the images.
            out_features: Length C of the feature vector.
            first_kernel: Odd kernel size of the very first convolution.
            slope: Negative slope of all LeakyReLUs.
            initialization: Recipe of the initial weights.

        Raises:
            ValueError: If widths and shortcuts differ in length.
        """
        super().__init__()
        if len(widths) != len(shortcuts):
            raise ValueError(
                f"shortcuts: expected one per stage ({len(widths)}), "
                f"found {len(shortcuts)}"
            )
        self.image_size = image_size
        self.out_features = out_features
        stages, channels, size = [], in_channels, image_size
        for index, (width, shortcut) in enumerate(zip(widths, shortcuts, strict=True)):
            stages.append(
                ResidualBlock(
                    channels,
                    width,
                    dims=2,
                    first_kernel=first_kernel if index == 0 else 3,
                    shortcut=shortcut,
                    slope=slope,
                    join_slope=slope,
                    pool=True,
                )
            )
            channels, size = width, (size + 1) // 2
        self.stages = nn.ModuleList(stages)
        self.project = nn.Linear(channels * size * size, out_features)
        initialize(self, initialization, "encoder")

    def forward(self, images: Tensor) -> Tensor:
        """Encode images one by one.

        Args:
            images: (N, in_channels, image_size, image_size), normalised.

        Returns:
            Features, (N, out_features).

        Raises:
            ValueError: If the images have another size than configured.
        """
        if images.shape[-2:] != (self.image_size, self.image_size):
            raise ValueError(
                f"ResidualEncoder: expected images of {self.image_size}x"
                f"{self.image_size} pixels (image_size), found "
                f"{images.shape[-2]}x{images.shape[-1]}"
            )
        x = images
        for stage in self.stages:
            x = stage(x)
        # Flattened in (C, H, W) order, whatever the memory format.
        return self.project(x.flatten(1))
