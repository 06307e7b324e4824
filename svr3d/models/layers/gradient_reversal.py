# SPDX-License-Identifier: Apache-2.0
"""A layer that hands gradients back with the other sign."""

from typing import Any

import torch
from torch import Tensor


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, scale: float) -> Tensor:
        ctx.scale = scale
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.scale * gradient, None


def reverse_gradient(values: Tensor, scale: float = 1.0) -> Tensor:
    """Return the values; their gradient is multiplied by ``-scale``.

    What stands behind learns to do its task, what stands before learns to spoil it.
    Source: Ganin and Lempitsky, "Unsupervised Domain Adaptation by Backpropagation"
    (ICML 2015), section 3.2.

    Args:
        values: Any shape.
        scale: Factor of the reversed gradient.
    """
    return _Reverse.apply(values, scale)
