# SPDX-License-Identifier: Apache-2.0
"""Recurrent fusion of views on a three-dimensional grid."""

from typing import NamedTuple

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.models.layers import RecurrentBatchNorm, initializers
from svr3d.models.layers.recurrent_batch_norm import (
    RECURRENT_NORM_PRESETS,
    RecurrentNormPreset,
)


class GRUState(NamedTuple):
    """Hidden grid and update gate after one view, each (B, C, r, r, r)."""

    hidden: Tensor
    update: Tensor


@MODELS.register_module()
class GRU3D(nn.Module):
    """Convolutional gated recurrent unit on a grid, fed by one vector per view.

    With gate(x, h) = norm(W x) + norm(U * h) + bias, U a convolution:

        update z = sigmoid(gate_z(x, h)),  reset r = sigmoid(gate_r(x, h))
        n = tanh(gate_n(x, r h)),  h' = z h + (1 - z) n,  h_0 = 0

    so z is the part that is kept. Source: Choy et al., "3D-R2N2" (ECCV 2016),
    section 3.2, with the norms of the PaddlePaddle program (models/encoder.py).

    The three input maps are one matrix for all views and gates, and update and reset
    share one convolution; channels are ordered update, reset, candidate.
    """

    def __init__(
        self,
        in_features: int = 1024,
        *,
        channels: int = 128,
        grid_size: int = 4,
        kernel_size: int = 3,
        max_views: int = 5,
        norm: str | None = "paddle",
        norm_momentum: float | None = None,
        norm_initial_variance: float | None = None,
        norm_initial_weight: float = 0.1,
        gate_bias: float = 0.1,
        trainable_gate_bias: bool = False,
        initialization: str = "paddle",
    ):
        """Set up the unit.

        Args:
            in_features: Length of a view's feature vector.
            channels: Channels C of the hidden grid.
            grid_size: Cells r per side of the hidden grid.
            kernel_size: Odd kernel size of the recurrent convolutions.
            max_views: Number of statistics that the norms keep; later views use the
                last one's.
            norm: How the norms keep running statistics, 'paddle' or 'torch' (see
                ``RECURRENT_NORM_PRESETS``), or None for no norms.
            norm_momentum: Weight of the new batch, instead of the preset's.
            norm_initial_variance: Variance at the start, instead of the preset's.
            norm_initial_weight: Initial scale of the norms.
            gate_bias: Constant added to all gates.
            trainable_gate_bias: Whether it is a parameter per gate and channel.
            initialization: Recipe of the initial weights.

        Raises:
            ValueError: If the norm or the recipe is unknown.
        """
        super().__init__()
        self.channels, self.grid_size = channels, grid_size
        self.max_views = max_views
        cells = grid_size**3
        self.input_map = nn.Linear(in_features, 3 * channels * cells, bias=False)
        size = dict(kernel_size=kernel_size, padding=kernel_size // 2, bias=False)
        self.gates_conv = nn.Conv3d(channels, 2 * channels, **size)
        self.candidate_conv = nn.Conv3d(channels, channels, **size)
        self.input_norm = self.gates_norm = self.candidate_norm = None
        if norm is not None:
            settings = _norm_settings(norm, norm_momentum, norm_initial_variance)
            settings["initial_weight"] = norm_initial_weight
            self.input_norm = RecurrentBatchNorm(3 * channels, max_views, **settings)
            self.gates_norm = RecurrentBatchNorm(2 * channels, max_views, **settings)
            self.candidate_norm = RecurrentBatchNorm(channels, max_views, **settings)
        if trainable_gate_bias:
            self.gate_bias = nn.Parameter(torch.full((3 * channels,), gate_bias))
        else:
            self.gate_bias = gate_bias
        convolution, linear = initializers(initialization, "recurrent")
        linear(self.input_map.weight, groups=3)
        convolution(self.gates_conv.weight, groups=2)
        convolution(self.candidate_conv.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Fuse the views in their order.

        Args:
            features: (B, V, in_features), any V >= 1.

        Returns:
            Hidden grid after the last view, (B, C, r, r, r).
        """
        return self.states(features)[-1].hidden

    def states(self, features: Tensor) -> list[GRUState]:
        """Fuse the views and return the state after each.

        Args:
            features: (B, V, in_features).

        Returns:
            V states.
        """
        inputs = self._inputs(features)
        keep = 2 * self.channels
        states: list[GRUState] = []
        hidden = None
        for view in range(features.shape[1]):
            x = inputs[:, view]
            gates = self._recur(self.gates_conv, self.gates_norm, hidden, view, x)
            update, reset = torch.sigmoid(x[:, :keep] + gates).chunk(2, dim=1)
            masked = None if hidden is None else reset * hidden
            candidate = self._recur(
                self.candidate_conv, self.candidate_norm, masked, view, x
            )
            new = torch.tanh(x[:, keep:] + candidate)
            hidden = new - update * new if hidden is None else new.lerp(hidden, update)
            states.append(GRUState(hidden, update))
        return states

    def _inputs(self, features: Tensor) -> Tensor:
        """Return what the views add to the gates, (B, V, 3 C, r, r, r)."""
        batch, views = features.shape[:2]
        inputs = self.input_map(features).view(
            batch, views, 3 * self.channels, *[self.grid_size] * 3
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


def _norm_settings(
    preset: str, momentum: float | None, initial_variance: float | None
) -> dict:
    if preset not in RECURRENT_NORM_PRESETS:
        known = ", ".join(RECURRENT_NORM_PRESETS)
        raise ValueError(f"norm: expected None or one of {known}; found {preset!r}")
    chosen: RecurrentNormPreset = RECURRENT_NORM_PRESETS[preset]
    if momentum is not None:
        chosen = chosen._replace(momentum=momentum)
    if initial_variance is not None:
        chosen = chosen._replace(initial_variance=initial_variance)
    return chosen._asdict()
