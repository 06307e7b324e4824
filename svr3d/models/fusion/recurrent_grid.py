# SPDX-License-Identifier: Apache-2.0
"""What the recurrent units on a three-dimensional grid share."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from svr3d.models.layers import RecurrentBatchNorm, initializers
from svr3d.models.layers.recurrent_batch_norm import (
    RECURRENT_NORM_PRESETS,
    RecurrentNormPreset,
)


class RecurrentGrid(nn.Module):
    """Gates of a recurrent unit on a grid that is fed by one vector per view.

    gate(x, h) = norm(W x) + norm(U * h) + bias, U a convolution, W a full map from
    the vector to every cell. The input maps of all gates are one matrix for all views;
    children merge convolutions as far as gates read the same grid.
    """

    def __init__(
        self,
        in_features: int,
        *,
        num_gates: int,
        channels: int,
        grid_size: int,
        gate_bias: float,
        trainable_gate_bias: bool,
    ):
        """Set up what the views feed.

        Args:
            in_features: Length of a view's feature vector.
            num_gates: Number G of gates.
            channels: Channels C of the hidden grid.
            grid_size: Cells r per side of the hidden grid.
            gate_bias: Constant added to all gates.
            trainable_gate_bias: Whether it is a parameter per gate and channel.
        """
        super().__init__()
        self.num_gates, self.channels, self.grid_size = num_gates, channels, grid_size
        self.input_map = nn.Linear(
            in_features, num_gates * channels * grid_size**3, bias=False
        )
        self.input_norm: RecurrentBatchNorm | None = None
        if trainable_gate_bias:
            bias = torch.full((num_gates * channels,), float(gate_bias))
            self.gate_bias = nn.Parameter(bias)
        else:
            self.gate_bias = gate_bias

    def forward(self, features: Tensor) -> Tensor:
        """Fuse the views in their order.

        Args:
            features: (B, V, in_features), any V >= 1.

        Returns:
            Hidden grid after the last view, (B, C, r, r, r).

        Raises:
            ValueError: If the features have another length.
        """
        return self.states(features)[-1].hidden

    @abstractmethod
    def states(self, features: Tensor) -> Sequence[Any]:
        """Fuse the views and return the state after each, with its ``hidden``."""

    def _conv(self, num_gates: int, kernel_size: int) -> nn.Conv3d:
        """Return the convolution of gates that read the same grid."""
        return nn.Conv3d(
            self.channels,
            num_gates * self.channels,
            kernel_size,
            padding=kernel_size // 2,
            bias=False,
        )

    def _initialize(self, recipe: str, convolutions: Sequence[nn.Conv3d]):
        """Fill the kernels gate by gate, as if none were merged."""
        convolution, linear = initializers(recipe, "recurrent")
        linear(self.input_map.weight, groups=self.num_gates)
        for conv in convolutions:
            convolution(conv.weight, groups=conv.out_channels // self.channels)

    def _inputs(self, features: Tensor) -> Tensor:
        """Return what the views add to the gates, (B, V, G C, r, r, r)."""
        batch, views = features.shape[:2]
        if features.shape[2:] != (self.input_map.in_features,):
            raise ValueError(
                f"{type(self).__name__}: expected features (B, V, "
                f"{self.input_map.in_features}) (in_features), found "
                f"{tuple(features.shape)}"
            )
        inputs = self.input_map(features).view(
            batch, views, self.num_gates * self.channels, *[self.grid_size] * 3
        )
        if self.input_norm is not None:
            inputs = self.input_norm.forward_steps(inputs)
        bias = self.gate_bias
        return inputs + (bias.view(-1, 1, 1, 1) if torch.is_tensor(bias) else bias)

    def _recur(
        self,
        conv: nn.Conv3d,
        norm: RecurrentBatchNorm | None,
        hidden: Tensor | None,
        view: int,
        like: Tensor,
    ) -> Tensor:
        """Return what the hidden grid adds to gates, (B, out, r, r, r)."""
        if hidden is None:
            # The grid starts at 0, so its convolution is 0. It is written as a
            # product, so that with one view the kernel has a gradient (0) that
            # synchronisation between processes can wait for.
            shape = (like.shape[0], conv.out_channels, *like.shape[2:])
            out = (conv.weight.sum() * 0.0).to(like.dtype).expand(shape)
        else:
            out = conv(hidden)
        return out if norm is None else norm(out, view)


def recurrent_norm_settings(
    preset: str, momentum: float | None, initial_variance: float | None
) -> dict:
    """Return arguments of ``RecurrentBatchNorm``.

    Args:
        preset: A key of ``RECURRENT_NORM_PRESETS``.
        momentum: Weight of the new batch, instead of the preset's.
        initial_variance: Variance at the start, instead of the preset's.

    Raises:
        ValueError: If the preset is unknown.
    """
    if preset not in RECURRENT_NORM_PRESETS:
        known = ", ".join(RECURRENT_NORM_PRESETS)
        raise ValueError(f"norm: expected None or one of {known}; found {preset!r}")
    chosen: RecurrentNormPreset = RECURRENT_NORM_PRESETS[preset]
    if momentum is not None:
        chosen = chosen._replace(momentum=momentum)
    if initial_variance is not None:
        chosen = chosen._replace(initial_variance=initial_variance)
    return chosen._asdict()
