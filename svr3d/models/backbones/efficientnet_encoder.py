# SPDX-License-Identifier: Apache-2.0
"""EfficientNets as image encoders."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.backbones.efficientnet_blocks import NORM, MBConv, StaticSameConv2d
from svr3d.models.backbones.pretrained import load_tensors, read_pretrained
from svr3d.models.layers.imagenet import image_normalization
from svr3d.registry import BACKBONES


class _Scale(NamedTuple):
    width: float
    depth: float
    size: int  # nominal pixels of the images, which decide the padding
    dropout: float

    def channels(self, base: int) -> int:
        scaled = base * self.width
        rounded = max(8, int(scaled + 4) // 8 * 8)
        return rounded if rounded >= 0.9 * scaled else rounded + 8


_VARIANTS = {
    "b0": _Scale(1.0, 1.0, 224, 0.2),
    "b1": _Scale(1.0, 1.1, 240, 0.2),
    "b5": _Scale(1.6, 2.2, 456, 0.4),
    "b7": _Scale(2.0, 3.1, 600, 0.5),
}
# Of b0: blocks, kernel, stride of the first block, expansion, channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
# Pixels; the padding, which is static, leaves nothing of smaller images.
_SMALLEST = 32


@BACKBONES.register_module()
class EfficientNetEncoder(nn.Module):
    """An EfficientNet whose last layer emits a code instead of class scores.

    Source: Tan and Le, "EfficientNet" (ICML 2019), as the re-implementation of
    Occupancy Networks in project-noisypixel takes it from the package
    efficientnet_pytorch 0.7.1: tensors have the names of that package, and the padding
    is that of the variant's nominal image size whatever the real one is. That package
    publishes weights trained on ImageNet at
    https://github.com/lukemelas/EfficientNet-PyTorch/releases/download/1.0/ as
    efficientnet-b0-355c32eb.pth, -b1-f1951068, -b5-b6417697 and -b7-dcc49843.

    Attributes:
        out_features: Length of the code.
    """

    def __init__(
        self,
        variant: str = "b0",
        out_features: int = 128,
        *,
        dropout: float | None = None,
        drop_path: float = 0.2,
        normalize: bool = True,
        pretrained: str | None = None,
    ):
        """Set up the encoder.

        Args:
            variant: 'b0', 'b1', 'b5' or 'b7'.
            out_features: Length C of the code.
            dropout: Rate before the last layer; None takes the variant's.
            drop_path: Rate at which training drops a sample's path in the last block;
                earlier blocks have less, in proportion to their number.
            normalize: Whether images come in [0, 1] and are normalised by ImageNet's
                statistics here. False where a data preprocessor normalises.
            pretrained: File or URL of the state dict of efficientnet_pytorch, which
                training loads before it starts, but for the last layer.

        Raises:
            ValueError: If the variant is unknown.
        """
        super().__init__()
        if variant not in _VARIANTS:
            known = ", ".join(map(repr, _VARIANTS))
            raise ValueError(f"variant: expected one of {known}; found {variant!r}")
        scale = _VARIANTS[variant]
        self.variant, self.pretrained = variant, pretrained
        self.out_features = out_features
        self.normalization = image_normalization(normalize)
        channels, size = scale.channels(32), scale.size
        self._conv_stem = StaticSameConv2d(3, channels, 3, size=size, stride=2)
        self._bn0 = nn.BatchNorm2d(channels, **NORM)
        size = -(-size // 2)
        self._blocks = nn.ModuleList()
        counts = [math.ceil(scale.depth * stage[0]) for stage in _STAGES]
        for count, stage in zip(counts, _STAGES, strict=True):
            _, kernel, first_stride, expansion, base = stage
            for index in range(count):
                stride = first_stride if index == 0 else 1
                block = MBConv(
                    channels,
                    scale.channels(base),
                    kernel=kernel,
                    stride=stride,
                    expansion=expansion,
                    size=size,
                    drop=drop_path * len(self._blocks) / sum(counts),
                )
                self._blocks.append(block)
                channels, size = scale.channels(base), -(-size // stride)
        width = scale.channels(1280)
        self._conv_head = nn.Conv2d(channels, width, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(width, **NORM)
        self._dropout = nn.Dropout(scale.dropout if dropout is None else dropout)
        self._fc = nn.Linear(width, out_features)

    def forward(self, images: Tensor) -> Tensor:
        """Encode images one by one.

        Args:
            images: (N, 3, H, W) RGB, in [0, 1] if they are normalised here.

        Returns:
            Codes, (N, out_features).

        Raises:
            ValueError: If the images are too small for all convolutions.
        """
        if min(images.shape[-2:]) < _SMALLEST:
            raise ValueError(
                f"EfficientNetEncoder: expected images of at least {_SMALLEST} pixels, "
                f"found {images.shape[-2]}x{images.shape[-1]}"
            )
        x = F.silu(self._bn0(self._conv_stem(self.normalization(images))))
        for block in self._blocks:
            x = block(x)
        x = F.silu(self._bn1(self._conv_head(x)))
        return self._fc(self._dropout(x.mean((2, 3))))

    def init_weights(self) -> None:
        """Load the pretrained weights, if there are any; training calls this.

        Raises:
            CheckpointError: If they cannot be read or do not fit.
        """
        if self.pretrained is not None:
            what = f"efficientnet_pytorch's efficientnet-{self.variant}"
            state = read_pretrained(self.pretrained, what=what)
            self.load_published(state, source=self.pretrained)

    def load_published(self, state: Mapping[str, Tensor], *, source: str) -> None:
        """Take weights and statistics from a state dict of efficientnet_pytorch.

        Args:
            state: Name -> value; the last layer (``_fc``) is left out.
            source: Where it comes from, for the message.

        Raises:
            CheckpointError: If a tensor is missing or of another shape.
        """
        load_tensors(self, state, source=source, leave_out=("_fc.",))
