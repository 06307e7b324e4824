# SPDX-License-Identifier: Apache-2.0
"""Residual image encoder of 3D-R2N2."""

from collections.abc import Sequence

from torch import Tensor, nn

from svr3d.models.layers import ResidualBlock, initialize, pooled_size
from svr3d.models.layers.imagenet import image_normalization
from svr3d.registry import BACKBONES


@BACKBONES.register_module()
class ResidualEncoder(nn.Module):
    """Residual stages with max-pooling, then one linear layer.

    Each stage is a :class:`~svr3d.models.layers.ResidualBlock` with a 2x2 max-pool: an
    image of 127 pixels ends as 2x2 after six stages with pooling 'ceil', as 3x3 with
    'padded'. Source: Choy et al., "3D-R2N2" (ECCV 2016). The defaults are the form of
    the PaddlePaddle program (models/encoder.py), where stages 1 and 4 have no shortcut
    and nothing follows the linear layer. Depth 1, no norm and shortcuts 'none' make
    the shallow encoder of 3D-GRU-3, and with bias, 'padded' pools, slope 0.01 and
    ``normalize`` the encoder ``r2n2_simple`` of Occupancy Networks; depth 2 and a
    projection in all stages but the first make its ``r2n2_resnet``.
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
        depth: int | Sequence[int] = 2,
        norm: bool = True,
        bias: bool = False,
        activation: str = "join",
        pool: str = "ceil",
        slope: float = 0.1,
        output_slope: float | None = None,
        normalize: bool = False,
        initialization: str | None = "paddle",
    ):
        """Set up the encoder.

        Args:
            widths: Output channels of the stages.
            shortcuts: For each stage a shortcut that ``ResidualBlock`` knows.
            image_size: Height and width of the images in pixels.
            in_channels: Channels of the images.
            out_features: Length C of the feature vector.
            first_kernel: Odd kernel size of the very first convolution.
            depth: Convolutions per stage, one number or one per stage.
            norm: Whether batch norms follow the convolutions.
            bias: Whether the convolutions of the stages' paths have a bias.
            activation: Where a stage's last activation stands: 'join', after the sum
                with the shortcut, or 'path', before it.
            pool: 'ceil' rounds sizes up, 'padded' pads each side by one pixel.
            slope: Negative slope of the LeakyReLUs in the stages.
            output_slope: Negative slope of one after the linear layer; None leaves it
                out.
            normalize: Whether images come in [0, 1] and are normalised by ImageNet's
                statistics here.
            initialization: Recipe of the initial weights; None keeps PyTorch's own.

        Raises:
            ValueError: If widths, shortcuts and depths differ in length.
        """
        super().__init__()
        if len(widths) != len(shortcuts):
            raise ValueError(
                f"shortcuts: expected one per stage ({len(widths)}), "
                f"found {len(shortcuts)}"
            )
        depths = [depth] * len(widths) if isinstance(depth, int) else list(depth)
        if len(depths) != len(widths):
            raise ValueError(
                f"depth: expected one number or one per stage ({len(widths)}), "
                f"found {len(depths)}"
            )
        self.image_size = image_size
        self.out_features = out_features
        self.normalization = image_normalization(normalize)
        stages, channels, size = [], in_channels, image_size
        for index, (width, shortcut) in enumerate(zip(widths, shortcuts, strict=True)):
            stages.append(
                ResidualBlock(
                    channels,
                    width,
                    dims=2,
                    depth=depths[index],
                    first_kernel=first_kernel if index == 0 else 3,
                    shortcut=shortcut,
                    bias=bias,
                    norm=norm,
                    slope=slope,
                    join_slope=slope,
                    activation=activation,
                    pool=pool,
                )
            )
            channels, size = width, pooled_size(size, pool)
        self.stages = nn.ModuleList(stages)
        self.project = nn.Linear(channels * size * size, out_features)
        self.output_activation: nn.Module = nn.Identity()
        if output_slope is not None:
            self.output_activation = nn.LeakyReLU(output_slope, inplace=True)
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
        x = self.normalization(images)
        for stage in self.stages:
            x = stage(x)
        # Flattened in (C, H, W) order, whatever the memory format.
        return self.output_activation(self.project(x.flatten(1)))
