# SPDX-License-Identifier: Apache-2.0
"""Batch norm, scale, shift and activation of features of points, in one step."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from svr3d.models.layers.pointwise_linear import as_maps, as_points

# Numbers that are worked on at once, so that what is made in between stays in a cache.
_SLICE = 1 << 19


def normalize_points(
    points: Tensor,
    norm: nn.Module,
    slope: float,
    affine: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Normalise by the statistics of the batch, scale, shift, activate.

    Args:
        points: Features (B, T, F).
        norm: Batch norm, whose running statistics are updated.
        slope: Negative slope of the LeakyReLU that follows; 0 makes it a ReLU.
        affine: Scale and shift, (B, F) each, behind a norm without parameters; None
            for a norm that has its own.

    Returns:
        (B, T, F).
    """
    plain = type(norm) is nn.BatchNorm1d
    if plain and points.device.type == "cpu" and not torch.compiler.is_compiling():
        norm.num_batches_tracked.add_(1)
        if affine is None:
            samples = len(points)
            affine = norm.weight.expand(samples, -1), norm.bias.expand(samples, -1)
        return _NormalizePoints.apply(points, *affine, norm, slope)
    if plain:
        x = _batch_norm(norm, points)
    else:
        x = norm(points.transpose(1, 2)).transpose(1, 2)
    if affine is not None:
        scale, shift = affine
        x = torch.addcmul(shift.unsqueeze(1), x, scale.unsqueeze(1))
    return F.leaky_relu(x, slope)


def norm_and_activate(points: Tensor, norm: nn.Module, slope: float) -> Tensor:
    """Apply a batch norm in its mode, and activate.

    Args:
        points: Features (B, T, F).
        norm: Batch norm over F features with parameters; training takes the statistics
            of the batch, evaluation the running ones.
        slope: Negative slope of the LeakyReLU that follows; 0 makes it a ReLU, 1 leaves
            it out.

    Returns:
        (B, T, F).
    """
    if norm.training:
        return normalize_points(points, norm, slope)
    scale, shift = running_affine(norm)
    normed = torch.addcmul(shift.to(points.dtype), points, scale.to(points.dtype))
    return F.leaky_relu_(normed, slope)


def running_affine(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Return scale and shift (F,) that a batch norm with running statistics is."""
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale


def _batch_norm(norm: nn.BatchNorm1d, points: Tensor) -> Tensor:
    """Apply a norm to maps, as it is slow on features that lie last in memory."""
    norm.num_batches_tracked.add_(1)
    maps = F.batch_norm(
        as_maps(points),
        norm.running_mean,
        norm.running_var,
        norm.weight,
        norm.bias,
        training=True,
        momentum=norm.momentum,
        eps=norm.eps,
    )
    return as_points(maps)


class _NormalizePoints(torch.autograd.Function):
    """Works slice by slice of the batch: memory is read and written the fewest times.

    With xhat = (x - mean) / sigma and g the gradient behind the activation, the
    gradient of x is (g gamma - mean(g gamma) - xhat mean(g gamma xhat)) / sigma.
    """

    @staticmethod
    def forward(ctx, points, gamma, beta, norm, slope):
        slices, exact = _slices(points), _exact(points)
        count = points.shape[0] * points.shape[1]
        mean, variance = _moments(points, slices)
        _update(norm, mean, variance, count)
        inverse = torch.rsqrt(variance + norm.eps)
        scale = gamma.to(exact) * inverse
        shift = beta.to(exact) - scale * mean
        output = torch.empty_like(points)
        for part in slices:
            x = points[part].to(exact)
            y = torch.addcmul(shift[part, None], x, scale[part, None])
            output[part] = F.leaky_relu_(y, slope)
        ctx.save_for_backward(points, output, gamma, beta, mean, inverse)
        ctx.slope = slope
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        points, output, gamma, beta, mean, inverse = ctx.saved_tensors
        slices, exact = _slices(points), _exact(points)
        count = points.shape[0] * points.shape[1]
        result = torch.empty_like(points)
        sums = points.new_empty(points.shape[0], points.shape[2], dtype=exact)
        products = torch.empty_like(sums)
        for part in slices:
            g = torch.ops.aten.leaky_relu_backward(
                gradient[part], output[part], ctx.slope, True
            )
            result[part] = g
            torch.sum(g, 1, dtype=exact, out=sums[part])
            products[part] = ((points[part] - mean) * g).sum(1, dtype=exact)
        products *= inverse
        scale = gamma.to(exact)
        mean_product = (scale * products).sum(0) / count * inverse.square()
        offset = mean * mean_product - (scale * sums).sum(0) / count * inverse
        scale = scale * inverse
        for part in slices:
            x = torch.addcmul(offset, points[part].to(exact), mean_product, value=-1)
            result[part] = x.addcmul_(result[part].to(exact), scale[part, None])
        return result, products.to(gamma), sums.to(beta), None, None


def _exact(points: Tensor) -> torch.dtype:
    """Return the type to calculate with: not in half precision."""
    return torch.promote_types(points.dtype, torch.float32)


def _slices(points: Tensor) -> list[slice]:
    """Return slices of the batch of about ``_SLICE`` numbers each."""
    samples, *shape = points.shape
    step = max(1, _SLICE // max(1, shape[0] * shape[1]))
    return [slice(start, start + step) for start in range(0, samples, step)]


def _moments(points: Tensor, slices: list[slice]) -> tuple[Tensor, Tensor]:
    """Return mean and biased variance of the features over all points.

    Those of the samples are merged as Chan, Golub and LeVeque do (1979).
    """
    exact = _exact(points)
    means = points.new_empty(points.shape[0], points.shape[2], dtype=exact)
    squares = torch.empty_like(means)
    for part in slices:
        x = points[part].to(exact)
        torch.mean(x, 1, out=means[part])
        squares[part] = (x - means[part, None]).square_().mean(1)
    mean = means.mean(0)
    return mean, squares.mean(0) + (means - mean).square_().mean(0)


def _update(norm: nn.BatchNorm1d, mean: Tensor, variance: Tensor, count: int) -> None:
    unbiased = variance * (count / max(1, count - 1))
    norm.running_mean.lerp_(mean.to(norm.running_mean), norm.momentum)
    norm.running_var.lerp_(unbiased.to(norm.running_var), norm.momentum)
