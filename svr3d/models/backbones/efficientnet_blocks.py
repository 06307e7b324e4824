# SPDX-License-Identifier: Apache-2.0
"""Blocks of EfficientNets, with padding that follows a nominal image size."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Of the published TensorFlow networks, the momentum in the sense of PyTorch.
NORM = {"eps": 1e-3, "momentum": 0.01}
_SQUEEZE = 0.25


class StaticSameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow pads ('same') images of one nominal size.

    The padding makes ceil(size / stride) of the nominal size, the smaller half of it
    on the left and on top, and serves images of every other size too: those of odd
    sizes come out different from what 'same' means for themselves.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        *,
        size: int,
        stride: int = 1,
        groups: int = 1,
    ):
        """Set up the convolution, which has no bias.

        Args:
            in_channels: Channels of the input.
            out_channels: Channels of the output.
            kernel: Size of the kernel.
            size: Nominal height and width of the input.
            stride: Stride.
            groups: Groups of channels, as in ``nn.Conv2d``.
        """
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        before, after = total // 2, total - total // 2
        # What is padded on both sides alike, the convolution does by itself.
        super().__init__(
            in_channels,
            out_channels,
            kernel,
            stride,
            before,
            groups=groups,
            bias=False,
        )
        self.extra = after - before

    def forward(self, x: Tensor) -> Tensor:
        """Convolve maps.

        Args:
            x: (N, in_channels, H, W).

        Returns:
            (N, out_channels, ...).
        """
        if not self.extra:
            return super().forward(x)
        # One more on the right and below; the rest of the padding as ever.
        pad = self.padding[0]
        return F.conv2d(
            F.pad(x, (pad, pad + self.extra) * 2),
            self.weight,
            stride=self.stride,
            groups=self.groups,
        )


class MBConv(nn.Module):
    """Expand, convolve each channel, weigh the channels, project, add the input.

    [1x1 -> norm -> swish] -> depthwise -> norm -> swish -> squeeze-excitation ->
    1x1 -> norm, plus x where the shape stays. Source: Tan and Le, "EfficientNet" (ICML
    2019); tensors are named as those of the package efficientnet_pytorch.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel: int,
        stride: int,
        expansion: int,
        size: int,
        drop: float,
    ):
        """Set up the block.

        Args:
            in_channels: Channels of the input.
            out_channels: Channels of the output.
            kernel: Size of the depthwise kernel.
            stride: Its stride.
            expansion: Channels of the depthwise convolution per input channel; with 1
                nothing expands them.
            size: Nominal height and width of the input.
            drop: Probability that training drops a sample's path (stochastic depth).
        """
        super().__init__()
        width = in_channels * expansion
        squeezed = max(1, int(in_channels * _SQUEEZE))
        self.expands = expansion != 1
        if self.expands:
            self._expand_conv = nn.Conv2d(in_channels, width, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(width, **NORM)
        self._depthwise_conv = StaticSameConv2d(
            width, width, kernel, size=size, stride=stride, groups=width
        )
        self._bn1 = nn.BatchNorm2d(width, **NORM)
        self._se_reduce = nn.Conv2d(width, squeezed, 1)
        self._se_expand = nn.Conv2d(squeezed, width, 1)
        self._project_conv = nn.Conv2d(width, out_channels, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(out_channels, **NORM)
        self.adds = stride == 1 and in_channels == out_channels
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block.

        Args:
            x: (N, in_channels, H, W).

        Returns:
            (N, out_channels, ...).
        """
        out = F.silu(self._bn0(self._expand_conv(x))) if self.expands else x
        out = F.silu(self._bn1(self._depthwise_conv(out)))
        squeezed = self._se_reduce(out.mean((2, 3), keepdim=True))
        out = out * torch.sigmoid(self._se_expand(F.silu(squeezed)))
        out = self._bn2(self._project_conv(out))
        if not self.adds:
            return out
        if self.training and self.drop:
            keep = 1 - self.drop
            kept = torch.rand(len(out), 1, 1, 1, device=out.device) < keep
            out = out * (kept.to(out.dtype) / keep)
        return x + out
