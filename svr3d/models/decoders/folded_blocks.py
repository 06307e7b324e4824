# SPDX-License-Identifier: Apache-2.0
"""Evaluation of residual blocks with batch norms for one code, norms folded away."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from svr3d.models.decoders.point_decoder import points_at_once
from svr3d.models.layers.conditional_batch_norm import steady_affine
from svr3d.models.layers.pointwise_linear import pointwise_linear


class _Block(NamedTuple):
    """x + second relu(first relu(scale x + shift) + bias).

    The bias behind ``second`` is in the shifts of all that follows.
    """

    scale: Tensor
    shift: Tensor
    first: Tensor
    bias: Tensor
    second: Tensor


class FoldedBlocks:
    """All of a decoder with residual blocks, for one object.

    For one code a conditional batch norm is a scale and a shift. Those between the two
    layers of a block become part of the first, and biases that are added to the
    residual stream become part of the next shifts. Points pass in chunks that stay in a
    cache, and hardly any memory is allocated.
    """

    def __init__(
        self, decoder: nn.Module, vector: Tensor, code: Tensor, *, slope: float
    ):
        """Fold.

        Args:
            decoder: Has ``point_layer``, ``blocks``, ``norm`` and ``output_layer``.
            vector: Added to what the first layer makes of each point, (H,).
            code: (1, C).
            slope: Negative slope of the last activation.
        """
        entry, output = decoder.point_layer, decoder.output_layer
        device = entry.weight.device.type
        self.dtype = (
            torch.get_autocast_dtype(device)
            if torch.is_autocast_enabled(device)
            else entry.weight.dtype
        )
        with torch.autocast(device, enabled=False):
            code = code.to(entry.weight.dtype)
            self.entry_weight = entry.weight.t()
            self.entry_bias = vector + entry.bias
            offset = torch.zeros_like(entry.bias)
            self.blocks = []
            for block in decoder.blocks:
                scale, shift = _affine(block.first_norm, code)
                inner_scale, inner_shift = _affine(block.second_norm, code)
                folded = _Block(
                    scale,
                    torch.addcmul(shift, scale, offset),
                    block.first.weight * inner_scale[:, None],
                    torch.addcmul(inner_shift, block.first.bias, inner_scale),
                    block.second.weight,
                )
                self.blocks.append(_Block(*(part.to(self.dtype) for part in folded)))
                offset = offset + block.second.bias
            scale, shift = _affine(decoder.norm, code)
            self.scale = scale.to(self.dtype)
            self.shift = torch.addcmul(shift, scale, offset).to(self.dtype)
        self.slope = slope
        self.output_weight = output.weight[0].to(self.dtype)
        self.output_bias = output.bias

    def __call__(self, points: Tensor, *, out: Tensor) -> None:
        """Decode points (T, 3) into logits (T,)."""
        step = points_at_once(points)
        with torch.autocast(points.device.type, enabled=False):
            for start in range(0, len(points), step):
                chunk = slice(start, start + step)
                out[chunk] = self._decode(points[chunk])

    def _decode(self, points: Tensor) -> Tensor:
        # Positions in half precision would move points by up to 1/500 of the object.
        x = torch.addmm(self.entry_bias, points, self.entry_weight).to(self.dtype)
        for block in self.blocks:
            y = torch.addcmul(block.shift, x, block.scale).relu_()
            y = pointwise_linear(y, block.first, block.bias).relu_()
            x += pointwise_linear(y, block.second, None)
        x = F.leaky_relu_(torch.addcmul(self.shift, x, self.scale), self.slope)
        return torch.mv(x, self.output_weight) + self.output_bias


def _affine(norm: nn.Module, code: Tensor) -> tuple[Tensor, Tensor]:
    scale, shift = steady_affine(norm, code)
    return scale[0], shift[0]
