# SPDX-License-Identifier: Apache-2.0
"""The convolutional layers of VGG-16, with and without batch norm."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from svr3d.models.backbones.pretrained import load_tensors, read_pretrained
from svr3d.models.layers import initialize
from svr3d.registry import BACKBONES


@BACKBONES.register_module()
class VGGFeatures(nn.Module):
    """Stages of [3x3 convolution, (batch norm), ReLU], with 2x2 max-pools between them.

    By default the layers 0 to 26 of torchvision's ``vgg16_bn().features``, those that
    Pix2Vox uses: configuration D up to the first convolution of 512 channels. Source:
    Simonyan and Zisserman, "Very deep convolutional networks" (ICLR 2015). torchvision
    publishes weights trained on ImageNet at
    https://download.pytorch.org/models/vgg16_bn-6c64b313.pth and, for the layers
    without batch norm, https://download.pytorch.org/models/vgg16-397923af.pth

    Attributes:
        out_channels: Channels of the maps.
        stride: Pixels of the image per cell of the maps.
    """

    def __init__(
        self,
        stages: Sequence[Sequence[int]] = ((64, 64), (128, 128), (256,) * 3, (512,)),
        *,
        in_channels: int = 3,
        batch_norm: bool = True,
        pretrained: str | None = None,
        frozen: bool = True,
        frozen_statistics: bool = False,
        initialization: str = "pix2vox",
    ):
        """Set up the layers.

        Args:
            stages: Channels of the convolutions of each stage.
            in_channels: Channels of the images.
            batch_norm: Whether a batch norm follows each convolution, as in
                torchvision's ``vgg16_bn``; without them the layers are its ``vgg16``.
            pretrained: File or URL of torchvision's state dict, which training loads
                before it starts. None keeps the initial weights, as the published
                program does, which overwrites what it loaded.
            frozen: Whether weights stay as they are, as in the published program.
            frozen_statistics: Whether the batch norms, too, stay as they are. In the
                published program they normalise by the batch and keep updating.
            initialization: Recipe of the initial weights.
        """
        super().__init__()
        layers: list[nn.Module] = []
        channels = in_channels
        for index, stage in enumerate(stages):
            if index:
                layers.append(nn.MaxPool2d(2))
            for width in stage:
                layers.append(nn.Conv2d(channels, width, 3, padding=1))
                if batch_norm:
                    layers.append(nn.BatchNorm2d(width))
                layers.append(nn.ReLU(inplace=True))
                channels = width
        self.layers = nn.Sequential(*layers)
        self.out_channels, self.stride = channels, 2 ** (len(stages) - 1)
        self.pretrained = pretrained
        self._published = "vgg16_bn" if batch_norm else "vgg16"
        self.frozen_statistics = frozen_statistics
        initialize(self, initialization, "encoder")
        if frozen:
            self.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the last stage's maps.

        Args:
            images: (N, in_channels, H, W), normalised.

        Returns:
            (N, out_channels, H // stride, W // stride).
        """
        return self.layers(images)

    def train(self, mode: bool = True) -> "VGGFeatures":
        """Switch to training; norms with frozen statistics stay as in evaluation."""
        super().train(mode)
        if self.frozen_statistics:
            for layer in self.layers:
                if isinstance(layer, nn.BatchNorm2d):
                    layer.eval()
        return self

    def init_weights(self) -> None:
        """Load the pretrained weights, if there are any; training calls this.

        Raises:
            CheckpointError: If they cannot be read or do not fit.
        """
        if self.pretrained is not None:
            what = f"torchvision's {self._published}"
            state = read_pretrained(self.pretrained, what=what)
            self.load_published(state, source=self.pretrained)

    def load_published(self, state: Mapping[str, Tensor], *, source: str) -> None:
        """Take weights and statistics from a state dict of torchvision's.

        Args:
            state: ``features.<layer>.<tensor>`` -> value; what else it holds (further
                layers, the classifier) is left out.
            source: Where it comes from, for the message.

        Raises:
            CheckpointError: If a tensor is missing or of another shape.
        """
        load_tensors(self.layers, state, source=source, prefix="features.")
