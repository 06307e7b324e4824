# SPDX-License-Identifier: Apache-2.0
"""Statistics of a batch, over all processes where there are several."""

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable

from svr3d.models.layers.batch_share import contributes


def num_processes() -> int:
    """Return how many processes share a batch."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_world_size()
    return 1


class _AllGather(torch.autograd.Function):
    """Gather equally shaped tensors of all processes; the gradient is summed back."""

    @staticmethod
    def forward(ctx, value: Tensor) -> Tensor:
        parts = [torch.empty_like(value) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, value.contiguous())
        return torch.stack(parts)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> Tensor:
        gradient = gradient.contiguous()
        dist.all_reduce(gradient)
        return gradient[dist.get_rank()]


@torch.compiler.disable
def batch_moments(x: Tensor, dims: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean, biased variance and number of values along some axes.

    With several processes these are the moments of the global batch, and gradients
    flow to the values of every process. Works on any backend of torch.distributed,
    also on gloo, where torch's own synchronised batch norm does not. The moments of
    the processes are merged as Chan, Golub and LeVeque do (1979), which keeps the
    variance exact for values far from zero.

    Args:
        x: Values, floating point.
        dims: Axes that are averaged; the other axes have the same size everywhere.

    Returns:
        Mean and biased variance without those axes, and the number of values behind
        each, a scalar tensor.
    """
    dims = tuple(dims)
    mean = x.mean(dim=dims)
    count = float(x.numel() // max(mean.numel(), 1))
    if num_processes() == 1:
        return mean, x.var(dim=dims, correction=0), mean.new_tensor(count)
    kept = x.mean(dim=dims, keepdim=True)
    squares = (x - kept).square().sum(dim=dims)
    count = count if contributes() else 0.0
    packed = torch.cat([mean.flatten(), squares.flatten(), mean.new_tensor([count])])
    gathered = _AllGather.apply(packed)
    means, sums = gathered[:, :-1].split(mean.numel(), dim=1)
    counts = gathered[:, -1:]
    total = counts.sum()
    weights = counts / total
    global_mean = (weights * means).sum(dim=0)
    # A share of no values is masked: what its stand-in holds does not matter.
    within = torch.where(counts > 0, sums, torch.zeros_like(sums)).sum(dim=0) / total
    between = (weights * (means - global_mean).square()).sum(dim=0)
    variance = within + between
    return global_mean.view_as(mean), variance.view_as(mean), total.detach()
