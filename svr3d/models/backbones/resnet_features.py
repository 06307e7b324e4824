# SPDX-License-Identifier: Apache-2.0
"""The convolutional layers of ResNets."""

from collections.abc import Mapping

from torch import Tensor, nn

from svr3d.models.backbones.pretrained import load_tensors, read_pretrained
from svr3d.registry import BACKBONES

# Depth -> blocks of each stage, whether they are bottlenecks.
_STAGES = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}
_WIDTHS = (64, 128, 256, 512)


class _Block(nn.Module):
    """relu(convolutions(x) + shortcut(x)), two of 3x3 or a bottleneck of three."""

    def __init__(self, in_channels: int, width: int, stride: int, *, bottleneck: bool):
        super().__init__()
        out_channels = width * (4 if bottleneck else 1)
        # Kernel, stride and output of each convolution; the 3x3 one has the stride.
        plan = (
            ((1, 1, width), (3, stride, width), (1, 1, out_channels))
            if bottleneck
            else ((3, stride, width), (3, 1, width))
        )
        self.depth, channels = len(plan), in_channels
        for index, (kernel, step, outputs) in enumerate(plan, start=1):
            convolution = nn.Conv2d(
                channels, outputs, kernel, step, kernel // 2, bias=False
            )
            setattr(self, f"conv{index}", convolution)
            setattr(self, f"bn{index}", nn.BatchNorm2d(outputs))
            channels = outputs
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        out = x
        for index in range(1, self.depth + 1):
            out = getattr(self, f"bn{index}")(getattr(self, f"conv{index}")(out))
            if index < self.depth:
                out = self.relu(out)
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


@BACKBONES.register_module()
class ResNetFeatures(nn.Module):
    """A ResNet up to its last feature maps, its tensors named as torchvision's.

    7x7 convolution of stride 2, 3x3 max-pool of stride 2, four stages of residual
    blocks of which the last three halve the maps; in bottlenecks the 3x3 convolution
    has the stride. Source: He et al., "Deep residual learning for image recognition"
    (CVPR 2016), with torchvision's place of the stride. torchvision publishes weights
    trained on ImageNet at https://download.pytorch.org/models/ as
    resnet18-f37072fd.pth, resnet34-b627a593.pth and resnet50-0676ba61.pth.

    Attributes:
        out_channels: Channels of the maps.
        stride: Pixels of the image per cell of the maps.
    """

    def __init__(self, depth: int = 18, *, pretrained: str | None = None):
        """Set up the layers.

        Args:
            depth: 18, 34, 50, 101 or 152.
            pretrained: File or URL of torchvision's state dict, which training loads
                before it starts; None keeps random weights.

        Raises:
            ValueError: If the depth is unknown.
        """
        super().__init__()
        if depth not in _STAGES:
            known = ", ".join(map(str, _STAGES))
            raise ValueError(f"depth: expected one of {known}; found {depth!r}")
        counts, bottleneck = _STAGES[depth]
        self.depth, self.pretrained = depth, pretrained
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = 64
        for stage, (count, width) in enumerate(zip(counts, _WIDTHS, strict=True)):
            blocks = []
            for index in range(count):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(_Block(channels, width, stride, bottleneck=bottleneck))
                channels = width * (4 if bottleneck else 1)
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.out_channels, self.stride = channels, 32
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(
                    layer.weight, mode="fan_out", nonlinearity="relu"
                )

    def forward(self, images: Tensor) -> Tensor:
        """Return the last stage's maps.

        Args:
            images: (N, 3, H, W), normalised.

        Returns:
            (N, out_channels, H / 32, W / 32), sizes rounded up at each halving.
        """
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def init_weights(self) -> None:
        """Load the pretrained weights, if there are any; training calls this.

        Raises:
            CheckpointError: If they cannot be read or do not fit.
        """
        if self.pretrained is not None:
            what = f"torchvision's resnet{self.depth}"
            state = read_pretrained(self.pretrained, what=what)
            self.load_published(state, source=self.pretrained)

    def load_published(self, state: Mapping[str, Tensor], *, source: str) -> None:
        """Take weights and statistics from a state dict of torchvision.

        Args:
            state: Name -> value; the classifier (``fc``) is left out.
            source: Where it comes from, for the message.

        Raises:
            CheckpointError: If a tensor is missing or of another shape.
        """
        load_tensors(self, state, source=source)
