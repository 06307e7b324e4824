# SPDX-License-Identifier: Apache-2.0
"""Fusion of views by long short-term memory on a three-dimensional grid."""

from typing import NamedTuple

import torch
from mmengine.registry import MODELS
from torch import Tensor

from svr3d.models.fusion.recurrent_grid import RecurrentGrid


class LSTMState(NamedTuple):
    """Hidden grid and memory after one view, each (B, C, r, r, r)."""

    hidden: Tensor
    memory: Tensor


@MODELS.register_module()
class LSTM3D(RecurrentGrid):
    """Convolutional LSTM without output gate on a grid, fed by one vector per view.

    With gate(x, h) = W x + U * h + bias, U a convolution:

        forget f = sigmoid(gate_f(x, h)),  input i = sigmoid(gate_i(x, h))
        s' = f s + i tanh(gate_s(x, h)),   h' = tanh(s'),  s_0 = h_0 = 0

    Source: Choy et al., "3D-R2N2" (ECCV 2016), equations 1 to 5: 3D-LSTM-1 and
    3D-LSTM-3 are kernel sizes 1 and 3. There is no published program of it.

    All gates read the same grid and share one convolution; channels are ordered
    forget, input, candidate.
    """

    def __init__(
        self,
        in_features: int = 1024,
        *,
        channels: int = 128,
        grid_size: int = 4,
        kernel_size: int = 3,
        gate_bias: float = 0.1,
        trainable_gate_bias: bool = True,
        initialization: str = "paddle",
    ):
        """Set up the unit.

        Args:
            in_features: Length of a view's feature vector.
            channels: Channels C of the hidden grid.
            grid_size: Cells r per side of the hidden grid.
            kernel_size: Odd kernel size of the recurrent convolution.
            gate_bias: Constant added to all gates.
            trainable_gate_bias: Whether it is a parameter per gate and channel.
            initialization: Recipe of the initial weights.

        Raises:
            ValueError: If the recipe is unknown.
        """
        super().__init__(
            in_features,
            num_gates=3,
            channels=channels,
            grid_size=grid_size,
            gate_bias=gate_bias,
            trainable_gate_bias=trainable_gate_bias,
        )
        self.gates_conv = self._conv(3, kernel_size)
        self._initialize(initialization, [self.gates_conv])

    def states(self, features: Tensor) -> list[LSTMState]:
        """Fuse the views and return the state after each.

        Args:
            features: (B, V, in_features).

        Returns:
            V states.
        """
        inputs = self._inputs(features)
        states: list[LSTMState] = []
        hidden = memory = None
        for view in range(features.shape[1]):
            x = inputs[:, view]
            gates = x + self._recur(self.gates_conv, None, hidden, view, x)
            forget, write, candidate = gates.chunk(3, dim=1)
            new = torch.sigmoid(write) * torch.tanh(candidate)
            # A factor of the memory's start value 0 matters to no result, but keeps
            # the forget gate in the graph.
            kept = 0.0 if memory is None else memory
            memory = torch.sigmoid(forget) * kept + new
            hidden = torch.tanh(memory)
            states.append(LSTMState(hidden, memory))
        return states
