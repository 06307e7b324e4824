# SPDX-License-Identifier: Apache-2.0
"""Batch norm over the batches of all processes, on any device and backend."""

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from svr3d.models.layers.batch_statistics import batch_moments, num_processes

__all__ = ["SyncBatchNorm", "batch_moments", "convert_sync_batch_norm"]

_RANKS = {nn.BatchNorm1d: (2, 3), nn.BatchNorm2d: (4,), nn.BatchNorm3d: (5,)}


class SyncBatchNorm(_BatchNorm):
    """Batch norm whose training statistics are those of the global batch.

    Parameters, buffers and their names are those of torch's batch norm. Unlike
    ``torch.nn.SyncBatchNorm`` it runs on CPUs (gloo) and accepts shares of different
    sizes.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        *,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        ranks: tuple[int, ...] = (2, 3, 4, 5),
    ):
        """Set up the norm.

        Args:
            num_features: Channels C.
            eps: Added to the variance.
            momentum: Weight of the new batch in the running statistics; None for
                their plain average.
            affine: Whether it has a scale and a shift.
            track_running_stats: Whether running statistics are kept for evaluation.
            ranks: Numbers of axes that an input may have.
        """
        super().__init__(num_features, eps, momentum, affine, track_running_stats)
        self.ranks = ranks

    def _check_input_dim(self, x: Tensor) -> None:
        if x.dim() not in self.ranks:
            raise ValueError(
                f"SyncBatchNorm: expected {' or '.join(map(str, self.ranks))} axes, "
                f"found shape {tuple(x.shape)}"
            )

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the channels.

        Args:
            x: (B, C, ...).

        Returns:
            (B, C, ...).
        """
        self._check_input_dim(x)
        tracked = self.running_mean is not None
        # With one process torch's fused kernel does the same.
        if num_processes() == 1 or not (self.training or not tracked):
            return super().forward(x)
        values = x if x.dtype == torch.float64 else x.float()
        dims = (0, *range(2, x.dim()))
        mean, var, count = batch_moments(values, dims)
        if self.training and tracked:
            self._update(mean.detach(), var.detach(), count)
        shape = (1, -1) + (1,) * (x.dim() - 2)
        scale = torch.rsqrt(var + self.eps)
        if self.weight is not None:
            scale = scale * self.weight
        y = (values - mean.view(shape)) * scale.view(shape)
        if self.bias is not None:
            y = y + self.bias.view(shape)
        return y.to(x.dtype)

    @torch.no_grad()
    def _update(self, mean: Tensor, var: Tensor, count: Tensor) -> None:
        self.num_batches_tracked.add_(1)
        momentum = self.momentum
        if momentum is None:
            momentum = 1.0 / float(self.num_batches_tracked)
        unbiased = var * (count / (count - 1).clamp(min=1))
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), momentum)
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), momentum)


def convert_sync_batch_norm(model: nn.Module) -> nn.Module:
    """Replace torch's batch norms by synchronised ones that share their tensors.

    Subclasses of torch's batch norms are left alone.

    Args:
        model: Changed in place, unless it is a batch norm itself.

    Returns:
        The converted model.
    """
    replacements: dict[int, nn.Module] = {}

    def convert(module: nn.Module) -> nn.Module:
        if id(module) in replacements:
            return replacements[id(module)]
        if type(module) in (*_RANKS, nn.SyncBatchNorm):
            replacements[id(module)] = _synchronised(module)
            return replacements[id(module)]
        # Not named_children(), which leaves out the second name of a module.
        for name, child in list(module._modules.items()):
            new = child if child is None else convert(child)
            if new is not child:
                setattr(module, name, new)
        return module

    return convert(model)


def _synchronised(norm: _BatchNorm) -> SyncBatchNorm:
    new = SyncBatchNorm(
        norm.num_features,
        norm.eps,
        momentum=norm.momentum,
        affine=norm.affine,
        track_running_stats=norm.track_running_stats,
        ranks=_RANKS.get(type(norm), (2, 3, 4, 5)),
    )
    for name in ("weight", "bias"):
        setattr(new, name, getattr(norm, name))
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        setattr(new, name, getattr(norm, name))
    new.train(norm.training)
    return new
