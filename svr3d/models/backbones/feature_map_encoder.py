# SPDX-License-Identifier: Apache-2.0
"""An image encoder on top of another network's feature maps."""

from collections.abc import Sequence

from torch import Tensor, nn

from svr3d.models.layers import initialize
from svr3d.registry import BACKBONES


@BACKBONES.register_module()
class FeatureMapEncoder(nn.Module):
    """Convolutions without padding on the maps of a trunk, down to a few cells.

    Each layer is [convolution, batch norm, ELU] and a max-pool where one is wanted; the
    last one's maps, flattened in (C, H, W) order, are the features. The defaults are
    the encoder of Pix2Vox-F, 128 channels of 4x4 cells. Source: Xie et al., "Pix2Vox"
    (ICCV 2019), and models/encoder.py of hzxie/Pix2Vox.

    Attributes:
        out_features: Length of the feature vector.
    """

    def __init__(
        self,
        trunk: dict | nn.Module,
        widths: Sequence[int] = (512, 256, 128),
        *,
        kernels: Sequence[int] = (1, 3, 3),
        pools: Sequence[int] = (1, 4, 1),
        image_size: int = 224,
        initialization: str = "pix2vox",
    ):
        """Set up the encoder.

        Args:
            trunk: Backbone, images -> (N, C, h, w), with ``out_channels`` and
                ``stride``; config or module.
            widths: Output channels of the layers.
            kernels: Sizes of their kernels.
            pools: Windows, which are also strides, of the max-pools; 1 for none.
            image_size: Height and width of the images in pixels.
            initialization: Recipe of the layers' initial weights.

        Raises:
            ValueError: If the three sequences differ in length, or the images are so
                small that nothing remains of the maps.
        """
        super().__init__()
        if not len(widths) == len(kernels) == len(pools):
            raise ValueError(
                "FeatureMapEncoder: expected as many kernels and pools as widths, "
                f"found {len(widths)} widths, {len(kernels)} kernels and {len(pools)} "
                "pools"
            )
        self.image_size = image_size
        trunk = trunk if isinstance(trunk, nn.Module) else BACKBONES.build(trunk)
        layers: list[nn.Module] = []
        channels, side = trunk.out_channels, image_size // trunk.stride
        for width, kernel, pool in zip(widths, kernels, pools, strict=True):
            convolution = nn.Conv2d(channels, width, kernel)
            pooling = [nn.MaxPool2d(pool)] if pool > 1 else []
            layers.append(
                nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ELU(), *pooling)
            )
            channels, side = width, (side - kernel + 1) // pool
        if side < 1:
            raise ValueError(
                f"FeatureMapEncoder: images of {image_size} pixels (image_size) leave "
                "no cell behind the last layer; expected larger ones, smaller kernels "
                "or smaller pools"
            )
        self.layers = nn.Sequential(*layers)
        self.out_features = channels * side * side
        initialize(self, initialization, "encoder")
        # After the layers, so that the recipe does not reach it.
        self.trunk = trunk

    def init_weights(self) -> None:
        """Let the trunk load its pretrained weights; training calls this."""
        if hasattr(self.trunk, "init_weights"):
            self.trunk.init_weights()

    def forward(self, images: Tensor) -> Tensor:
        """Encode images one by one.

        Args:
            images: (N, 3, image_size, image_size), normalised.

        Returns:
            Features, (N, out_features).

        Raises:
            ValueError: If the images have another size than configured.
        """
        if images.shape[-2:] != (self.image_size, self.image_size):
            raise ValueError(
                f"FeatureMapEncoder: expected images of {self.image_size}x"
                f"{self.image_size} pixels (image_size), found "
                f"{images.shape[-2]}x{images.shape[-1]}"
            )
        return self.layers(self.trunk(images)).flatten(1)
