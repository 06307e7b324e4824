# SPDX-License-Identifier: Apache-2.0
"""Recurrent fusion of views on a three-dimensional grid."""

from typing import NamedTuple

import torch
from mmengine.registry import MODELS
from torch import Tensor

from svr3d.models.fusion.recurrent_grid import RecurrentGrid, recurrent_norm_settings
from svr3d.models.layers import RecurrentBatchNorm


class GRUState(NamedTuple):
    """Hidden grid and update gate after one view, each (B, C, r, r, r)."""

    hidden: Tensor
    update: Tensor


@MODELS.register_module()
class GRU3D(RecurrentGrid):
    """Convolutional gated recurrent unit on a grid, fed by one vector per view.

    With gate(x, h) = norm(W x) + norm(U * h) + bias, U a convolution:

        update z = sigmoid(gate_z(x, h)),  reset r = sigmoid(gate_r(x, h))
        n = tanh(gate_n(x, r h)),  h' = z h + (1 - z) n,  h_0 = 0

    so z is the part that is kept. Source: Choy et al., "3D-R2N2" (ECCV 2016),
    section 3.2, with the norms of the PaddlePaddle program (models/encoder.py); the
    authors' program has none (``norm=None``), and its gate bias is trained. 3D-GRU-1
    and 3D-GRU-3 are kernel sizes 1 and 3.

    Update and reset share one convolution; channels are ordered update, reset,
    candidate.
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
        super().__init__(
            in_features,
            num_gates=3,
            channels=channels,
            grid_size=grid_size,
            gate_bias=gate_bias,
            trainable_gate_bias=trainable_gate_bias,
        )
        self.max_views = max_views
        self.gates_conv = self._conv(2, kernel_size)
        self.candidate_conv = self._conv(1, kernel_size)
        self.gates_norm = self.candidate_norm = None
        if norm is not None:
            settings = recurrent_norm_settings(
                norm, norm_momentum, norm_initial_variance
            )
            settings["initial_weight"] = norm_initial_weight
            self.input_norm = RecurrentBatchNorm(3 * channels, max_views, **settings)
            self.gates_norm = RecurrentBatchNorm(2 * channels, max_views, **settings)
            self.candidate_norm = RecurrentBatchNorm(channels, max_views, **settings)
        self._initialize(initialization, [self.gates_conv, self.candidate_conv])

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
