# SPDX-License-Identifier: Apache-2.0
"""Differentiable images of point clouds: silhouettes, colours, part labels."""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import (
    TensorLike,
    as_tensor,
    check_clouds,
    check_finite,
    check_image_size,
    check_lengths,
)
from svr3d.ops._torch.splat_points import (
    splat_features_torch,
    splat_silhouettes_torch,
)


class SplatImages(NamedTuple):
    """Images of B clouds.

    Attributes:
        silhouette: (B, H, W) from 0 to 1; None if it was not asked for.
        image: (B, H, W, C) features, with the background's channel first if that was
            asked for; None without features.
        foreground: (B, H, W) 1 where a point is seen, else 0; None without features.
    """

    silhouette: Tensor | None
    image: Tensor | None
    foreground: Tensor | None


def splat_points(
    points: TensorLike,
    features: TensorLike | None = None,
    *,
    image_size: int | tuple[int, int],
    silhouette: bool = True,
    sigma_sq: float = 0.4,
    well_radius: float = 1.0,
    beta: float = 100.0,
    background_channel: bool = False,
    lengths: TensorLike | None = None,
) -> SplatImages:
    r"""Draws point clouds that lie in pixels already.

    The silhouette is :math:`\tanh \sum_p \exp(-|x - p|^2 / 2 \sigma^2)`, whatever the
    depth; its gradient reaches the rows and columns of points. Terms below 1e-10
    (1e-18 in float64) are left out.

    Features are mixed over the points within ``well_radius`` rows and columns of a
    pixel, nearer than 9, by a softmax of ``beta / (depth + 1)``; their gradient
    reaches features and depths. The published masked softmax over all points is kept
    to rounding, with its guard of 1e-8. The gradient of a gradient is not offered, and
    results do not depend on the number of threads.

    Source: Navaneet et al., "From Image Collections to Point Clouds with
    Self-supervised Shape and Pose Networks" (2020).

    Args:
        points: (B, N, 3) row, column and depth; pixel (i, j) lies at (i, j), and depth
            is not negative. Half and bfloat16 are computed in float32.
        features: (B, N, F) such as colours, or part probabilities.
        image_size: Side of the images in pixels, or (height, width).
        silhouette: Whether to draw silhouettes.
        sigma_sq: Variance of a point's Gaussian, in squared pixels.
        well_radius: Reach of a point's features, in pixels, boundary included.
        beta: Sharpness of the choice of the nearest point.
        background_channel: Put a channel first that is 1 where no point is seen, for
            part labels.
        lengths: (B,) number of valid points of each cloud; all without it.

    Returns:
        The images, in the dtype of ``points``.

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If an argument's shape, range or content is wrong.
    """
    points = check_clouds(points, "points")
    lengths = check_lengths(lengths, points, "lengths")
    size = check_image_size(image_size)
    for name, value in (
        ("sigma_sq", sigma_sq),
        ("well_radius", well_radius),
        ("beta", beta),
    ):
        if not 0 < value < math.inf:
            raise ValueError(f"{name}: expected a positive number, found {value}")
    dtype = points.dtype
    wide = dtype if dtype in (torch.float32, torch.float64) else torch.float32
    points = points.to(wide)
    mask = image = foreground = None
    if silhouette:
        run = splat_silhouettes_torch
        if _library.has_kernel("splat_silhouettes", points):
            run = torch.ops.svr3d.splat_silhouettes
        smallest = 1e-18 if wide == torch.float64 else 1e-10
        reach = math.sqrt(-2 * sigma_sq * math.log(smallest))
        mask = run(points, lengths, *size, 0.5 / sigma_sq, reach).to(dtype)
    if features is not None:
        features = _check_features(features, points).to(wide)
        if not torch.compiler.is_compiling() and bool((points[..., 2] < 0).any()):
            raise ValueError(
                f"points: expected depths of at least 0 (points[..., 2]), found "
                f"{points[..., 2].min().item()}"
            )
        run = splat_features_torch
        if _library.has_kernel("splat_features", points):
            run = torch.ops.svr3d.splat_features
        well = (float(well_radius), float(beta))
        image, stats = run(points, features, lengths, *size, *well)
        image = image.to(dtype)
        foreground = (stats[..., 1] > 0).to(dtype)
        if background_channel:
            image = torch.cat((1 - foreground[..., None], image), dim=-1)
    return SplatImages(mask, image, foreground)


def _check_features(value: TensorLike, points: Tensor) -> Tensor:
    features = as_tensor(value, "features")
    if not features.is_floating_point():
        raise TypeError(f"features: expected a floating dtype, found {features.dtype}")
    if features.ndim != 3 or features.shape[:2] != points.shape[:2]:
        raise ValueError(
            f"features: expected shape ({points.shape[0]}, {points.shape[1]}, F), "
            f"found {tuple(features.shape)}"
        )
    if features.device != points.device:
        raise ValueError(
            f"features: expected device {points.device} like points, found "
            f"{features.device}"
        )
    check_finite(features, "features")
    return features


def _keep_silhouettes(ctx: Any, inputs: tuple, output: Tensor) -> None:
    points, lengths, _, _, *ctx.settings = inputs
    ctx.save_for_backward(output, points, lengths)


def _silhouettes_backward(ctx: Any, grad: Tensor) -> tuple:
    slopes = torch.ops.svr3d.splat_silhouettes_backward(
        grad, *ctx.saved_tensors, *ctx.settings
    )
    return slopes, *[None] * 5


def _keep_features(ctx: Any, inputs: tuple, output: tuple) -> None:
    points, features, lengths, _, _, *ctx.settings = inputs
    ctx.mark_non_differentiable(output[1])
    ctx.save_for_backward(*output, points, features, lengths)


def _features_backward(ctx: Any, grad: Tensor, _: Tensor | None) -> tuple:
    slopes = torch.ops.svr3d.splat_features_backward(
        grad, *ctx.saved_tensors, *ctx.settings
    )
    return *slopes, *[None] * 5


def _fake_silhouettes(
    points: Tensor,
    lengths: Tensor,
    height: int,
    width: int,
    sharpness: float,
    reach: float,
) -> Tensor:
    return points.new_empty((points.shape[0], height, width))


def _fake_silhouettes_backward(
    grad: Tensor,
    result: Tensor,
    points: Tensor,
    lengths: Tensor,
    sharpness: float,
    reach: float,
) -> Tensor:
    return points.new_empty(points.shape)


def _fake_features(
    points: Tensor,
    features: Tensor,
    lengths: Tensor,
    height: int,
    width: int,
    well: float,
    beta: float,
) -> tuple[Tensor, Tensor]:
    size = (points.shape[0], height, width)
    return points.new_empty((*size, features.shape[2])), points.new_empty((*size, 2))


def _fake_features_backward(
    grad: Tensor,
    result: Tensor,
    stats: Tensor,
    points: Tensor,
    features: Tensor,
    lengths: Tensor,
    well: float,
    beta: float,
) -> tuple[Tensor, Tensor]:
    return points.new_empty(points.shape), points.new_empty(features.shape)


if _library.load():
    for _name, _fake in (
        ("splat_silhouettes", _fake_silhouettes),
        ("splat_silhouettes_backward", _fake_silhouettes_backward),
        ("splat_features", _fake_features),
        ("splat_features_backward", _fake_features_backward),
    ):
        torch.library.register_fake(f"svr3d::{_name}", _fake)
    torch.library.register_autograd(
        "svr3d::splat_silhouettes",
        _silhouettes_backward,
        setup_context=_keep_silhouettes,
    )
    torch.library.register_autograd(
        "svr3d::splat_features", _features_backward, setup_context=_keep_features
    )
