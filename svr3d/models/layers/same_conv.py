# SPDX-License-Identifier: Apache-2.0
"""Convolutions that pad as TensorFlow's 'SAME'."""

from torch import Tensor, nn
from torch.nn import functional as F


class SameConv2d(nn.Conv2d):
    """A convolution whose output has ceil(size / stride) pixels.

    An odd number of padded pixels has the greater half behind: stride 2 on an even
    size pads a kernel of 3 by 0 before and 1 after, one of 5 by 1 and 2, which
    ``padding=1`` and ``padding=2`` of torch do not.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, stride: int = 1
    ):
        """Set up the convolution.

        Args:
            in_channels: Channels of its input.
            out_channels: Channels of its output.
            kernel_size: Side of the kernel.
            stride: Pixels from one output to the next.
        """
        super().__init__(in_channels, out_channels, kernel_size, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, C, H, W)."""
        pads: list[int] = []
        sides = (x.shape[3], x.shape[2])
        for size, kernel, stride in zip(
            sides, self.kernel_size[::-1], self.stride[::-1], strict=True
        ):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pads))
