# SPDX-License-Identifier: Apache-2.0
"""The image encoder of Occupancy Networks: a ResNet that ends in a code."""

from torch import Tensor, nn

from svr3d.models.backbones.resnet_features import ResNetFeatures
from svr3d.models.layers.imagenet import image_normalization
from svr3d.registry import BACKBONES


@BACKBONES.register_module()
class ConditionalResNet(nn.Module):
    """A ResNet, the mean over its maps, and a linear layer to the code.

    All of it is trained, starting from ImageNet weights where ``pretrained`` names
    them. Source: Mescheder et al., "Occupancy networks" (CVPR 2019), and
    im2mesh/encoder/conv.py of autonomousvision/occupancy_networks. The class that is
    called Resnet101 there builds a ResNet-50; depth 101 is the real one here.

    Attributes:
        out_features: Length of the code.
    """

    def __init__(
        self,
        depth: int = 18,
        out_features: int = 256,
        *,
        linear: bool = True,
        normalize: bool = True,
        pretrained: str | None = None,
    ):
        """Set up the encoder.

        Args:
            depth: 18, 34, 50, 101 or 152.
            out_features: Length C of the code.
            linear: Whether the linear layer is there; without it the mean is the code.
            normalize: Whether images come in [0, 1] and are normalised here, as the
                published program does. False where a data preprocessor normalises.
            pretrained: File or URL of torchvision's state dict, which training loads
                before it starts (see :class:`ResNetFeatures`).

        Raises:
            ValueError: If the depth is unknown, or there is no linear layer and the
                code has another length than the mean.
        """
        super().__init__()
        self.normalization = image_normalization(normalize)
        self.features = ResNetFeatures(depth, pretrained=pretrained)
        width = self.features.out_channels
        if not linear and out_features != width:
            raise ValueError(
                f"out_features: expected {width}, the channels of ResNet-{depth}, as "
                f"there is no linear layer; found {out_features}"
            )
        self.out_features = out_features
        self.fc = nn.Linear(width, out_features) if linear else nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        """Encode images one by one.

        Args:
            images: (N, 3, H, W) RGB, in [0, 1] if they are normalised here.

        Returns:
            Codes, (N, out_features).
        """
        maps = self.features(self.normalization(images))
        return self.fc(maps.mean((2, 3)))

    def init_weights(self) -> None:
        """Load the pretrained weights, if there are any; training calls this.

        Raises:
            CheckpointError: If they cannot be read or do not fit.
        """
        self.features.init_weights()
