# SPDX-License-Identifier: Apache-2.0
"""Differentiable silhouettes by soft rasterisation."""

import math
from typing import Any

import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import (
    TensorLike,
    as_tensor,
    check_batched_faces,
    check_clouds,
    check_image_size,
    check_lengths,
)
from svr3d.ops._torch.soft_silhouette import soft_silhouette_torch


def soft_silhouette(
    vertices: TensorLike,
    faces: TensorLike,
    *,
    image_size: int | tuple[int, int],
    sigma: float = 1e-4,
    dist_eps: float = 1e-10,
    lengths: TensorLike | None = None,
) -> Tensor:
    r"""Renders how likely each pixel is covered by each mesh.

    With d the distance of a pixel's centre to the border of a face, the face covers
    the pixel with probability :math:`D = \operatorname{sigmoid}(\pm d^2 / \sigma)`,
    plus inside, and the silhouette is :math:`1 - \prod (1 - D)` over all faces, of
    any depth and orientation. The gradient is that of this formula; it reaches x and
    y alone. The gradient of a gradient is not offered.

    Source: Liu et al., "Soft Rasterizer: A Differentiable Renderer for Image-based
    3D Reasoning" (2019). There faces are boxed before their distance is tested, which
    changes values by less than ``dist_eps``, and 1 - D is bounded below in the
    gradient, where it vanishes anyway.

    Args:
        vertices: (B, V, 3) or (B, V, 2) projected positions: x right and y up, both
            from -1 to 1 across the image; depth is ignored. Half and bfloat16 are
            computed in float32.
        faces: (F, 3) vertex indices shared by the batch, or (B, F, 3).
        image_size: Side of the images in pixels, or (height, width). Row 0 is the
            top.
        sigma: Blur, squared distance.
        dist_eps: Probability below which a face is not seen from outside, between
            1e-30 and 0.5.
        lengths: (B,) number of valid faces of each mesh; all without it.

    Returns:
        (B, H, W) silhouettes from 0 to 1, in the dtype of ``vertices``. The result
        does not depend on the number of threads.

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If an argument's shape, range or content is wrong.
    """
    vertices = as_tensor(vertices, "vertices")
    size = 2 if vertices.ndim == 3 and vertices.shape[-1] == 2 else 3
    vertices = check_clouds(vertices, "vertices", size=size)
    faces = check_batched_faces(faces, vertices)
    lengths = check_lengths(lengths, faces.expand(len(vertices), -1, -1), "lengths")
    height, width = check_image_size(image_size)
    if not 0 < sigma < math.inf:
        raise ValueError(f"sigma: expected a positive number, found {sigma}")
    if not 1e-30 <= dist_eps <= 0.5:
        raise ValueError(f"dist_eps: expected 1e-30 to 0.5, found {dist_eps}")
    radius = math.sqrt(sigma * math.log(1 / dist_eps - 1))
    plane = vertices[..., :2]
    if plane.dtype not in (torch.float32, torch.float64):
        plane = plane.float()
    run = soft_silhouette_torch
    if _library.has_kernel("soft_silhouette", plane):
        run = torch.ops.svr3d.soft_silhouette
    free = run(plane, faces, lengths, height, width, float(sigma), radius)
    return (1 - free).to(vertices.dtype)


def _fake(
    vertices: Tensor,
    faces: Tensor,
    lengths: Tensor,
    height: int,
    width: int,
    sigma: float,
    radius: float,
) -> Tensor:
    return vertices.new_empty((vertices.shape[0], height, width))


def _fake_backward(
    grad: Tensor,
    free: Tensor,
    vertices: Tensor,
    faces: Tensor,
    lengths: Tensor,
    sigma: float,
    radius: float,
) -> Tensor:
    return vertices.new_empty(vertices.shape)


def _keep(ctx: Any, inputs: tuple, output: Tensor) -> None:
    vertices, faces, lengths, _, _, ctx.sigma, ctx.radius = inputs
    ctx.save_for_backward(output, vertices, faces, lengths)


def _backward(ctx: Any, grad: Tensor) -> tuple:
    slopes = torch.ops.svr3d.soft_silhouette_backward(
        grad, *ctx.saved_tensors, ctx.sigma, ctx.radius
    )
    return slopes, None, None, None, None, None, None


if _library.load():
    torch.library.register_fake("svr3d::soft_silhouette", _fake)
    torch.library.register_fake("svr3d::soft_silhouette_backward", _fake_backward)
    torch.library.register_autograd(
        "svr3d::soft_silhouette", _backward, setup_context=_keep
    )
