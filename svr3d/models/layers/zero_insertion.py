# SPDX-License-Identifier: Apache-2.0
"""Upsampling by zeros between values, and convolutions that skip those zeros."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def insert_zeros(x: Tensor) -> Tensor:
    """Double a grid: values at even indices of each axis, zeros elsewhere.

    Args:
        x: (B, C, D, H, W).

    Returns:
        (B, C, 2 D, 2 H, 2 W).
    """
    out = x.new_zeros(*x.shape[:2], *(2 * size for size in x.shape[2:]))
    out[..., ::2, ::2, ::2] = x
    return out


class ZeroInsertionConv3d(nn.Conv3d):
    """Size-preserving convolution of a grid after ``insert_zeros``, without the zeros.

    Of the 27 products of a 3x3x3 kernel at most 8 meet a value, 3.4 on average, so
    the transposed convolution with the flipped kernel does an eighth of the work.
    Parameters are named and shaped as those of ``nn.Conv3d``.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, bias: bool
    ):
        """Set up the convolution.

        Args:
            in_channels: Channels of the coarse grid.
            out_channels: Channels of the fine grid.
            kernel_size: Odd kernel size on the fine grid.
            bias: Whether a bias is added.
        """
        super().__init__(
            in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=bias
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return conv(insert_zeros(x)).

        Args:
            x: (B, in_channels, D, H, W).

        Returns:
            (B, out_channels, 2 D, 2 H, 2 W).
        """
        return F.conv_transpose3d(
            x,
            self.weight.transpose(0, 1).flip(2, 3, 4),
            self.bias,
            stride=2,
            padding=self.padding,
            output_padding=1,
        )


class _AddAtEven(torch.autograd.Function):
    """fine + insert_zeros(coarse); neither pass makes the zeros."""

    @staticmethod
    def forward(ctx, fine: Tensor, coarse: Tensor) -> Tensor:
        out = fine.clone()
        out[..., ::2, ::2, ::2] += coarse
        return out

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor]:
        return gradient, gradient[..., ::2, ::2, ::2]


def add_at_even(fine: Tensor, coarse: Tensor) -> Tensor:
    """Return fine + insert_zeros(coarse).

    Args:
        fine: (B, C, 2 D, 2 H, 2 W).
        coarse: (B, C, D, H, W).
    """
    return _AddAtEven.apply(fine, coarse)
