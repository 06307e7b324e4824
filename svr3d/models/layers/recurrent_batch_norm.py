# SPDX-License-Identifier: Apache-2.0
"""Batch norm of recurrent units: one affine pair, statistics per time step."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from svr3d.models.layers.batch_statistics import batch_moments


class RecurrentNormPreset(NamedTuple):
    """How a published program keeps its running statistics."""

    momentum: float
    unbiased_variance: bool
    initial_variance: float


# 'paddle': the PaddlePaddle program of Res3D-GRU-3 passes 0.1 in that framework's
# convention (weight of the old value), stores the biased variance, and its reset
# leaves the variance at 0. 'torch': heromanba/3D-R2N2-PyTorch.
RECURRENT_NORM_PRESETS = {
    "paddle": RecurrentNormPreset(0.9, False, 0.0),
    "torch": RecurrentNormPreset(0.1, True, 1.0),
}


class RecurrentBatchNorm(nn.Module):
    """Batch norm with one affine pair and running statistics per time step.

    In training a value is normalised by its own step's batch statistics (biased
    variance); in evaluation by the running statistics of that step. A step beyond
    the last uses the last one's. Source: Cooijmans et al., "Recurrent Batch
    Normalization" (ICLR 2017), as in heromanba/3D-R2N2-PyTorch, lib/layers.py.
    """

    def __init__(
        self,
        num_features: int,
        max_steps: int,
        *,
        momentum: float = 0.1,
        unbiased_variance: bool = True,
        initial_variance: float = 1.0,
        initial_weight: float = 0.1,
        eps: float = 1e-5,
    ):
        """Set up the norm.

        Args:
            num_features: Channels C.
            max_steps: Number T of statistics that are kept.
            momentum: Weight of the new batch in the running statistics.
            unbiased_variance: Whether the running variance takes N / (N - 1).
            initial_variance: Running variance before the first batch. A step that
                never sees a batch keeps it.
            initial_weight: Initial scale of the affine pair; its shift starts at 0.
            eps: Added to the variance.
        """
        super().__init__()
        if max_steps < 1:
            raise ValueError(f"max_steps: expected at least 1, found {max_steps}")
        self.num_features = num_features
        self.max_steps = max_steps
        self.momentum = momentum
        self.unbiased_variance = unbiased_variance
        self.eps = eps
        self.weight = nn.Parameter(torch.full((num_features,), float(initial_weight)))
        self.bias = nn.Parameter(torch.zeros(num_features))
        shape = (max_steps, num_features)
        self.register_buffer("running_mean", torch.zeros(shape))
        self.register_buffer("running_var", torch.full(shape, float(initial_variance)))

    def forward(self, x: Tensor, step: int) -> Tensor:
        """Normalise the values of one step.

        Args:
            x: (B, C, ...).
            step: Index of the step, from 0.

        Returns:
            (B, C, ...).
        """
        return self.forward_steps(x.unsqueeze(1), first_step=step).squeeze(1)

    def forward_steps(self, x: Tensor, *, first_step: int = 0) -> Tensor:
        """Normalise the values of consecutive steps, each by its own statistics.

        Args:
            x: (B, S, C, ...), S steps.
            first_step: Index of the first of them.

        Returns:
            (B, S, C, ...).
        """
        slots = [
            min(first_step + offset, self.max_steps - 1) for offset in range(x.shape[1])
        ]
        if self.training:
            x = x if x.dtype == torch.float64 else x.float()
            mean, var, count = batch_moments(x, (0, *range(3, x.dim())))
            self._update(slots, mean.detach(), var.detach(), count)
        else:
            mean, var = self.running_mean[slots], self.running_var[slots]
        scale = self.weight * torch.rsqrt(var + self.eps)
        shape = (1, *scale.shape) + (1,) * (x.dim() - 3)
        return (x - mean.view(shape)) * scale.view(shape) + self.bias.view(
            (1, 1, -1) + shape[3:]
        )

    @torch.no_grad()
    def _update(self, slots: list[int], mean: Tensor, var: Tensor, count: Tensor):
        if self.unbiased_variance:
            var = var * (count / (count - 1).clamp(min=1))
        # One after the other: steps beyond the last share a slot.
        for position, slot in enumerate(slots):
            self.running_mean[slot].lerp_(mean[position], self.momentum)
            self.running_var[slot].lerp_(var[position], self.momentum)

    def extra_repr(self) -> str:
        """Describe the settings."""
        return (
            f"{self.num_features}, max_steps={self.max_steps}, "
            f"momentum={self.momentum}, unbiased_variance={self.unbiased_variance}"
        )
