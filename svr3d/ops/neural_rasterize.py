# SPDX-License-Identifier: Apache-2.0
"""The neural 3D mesh renderer: hard images with a hand-made gradient."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from svr3d.ops import _library
from svr3d.ops._arguments import (
    TensorLike,
    as_tensor,
    check_batched_faces,
    check_clouds,
    check_finite,
    check_lengths,
    check_size,
)
from svr3d.ops._torch.neural_rasterize import (
    neural_rasterize_backward_torch,
    neural_rasterize_torch,
)


class NeuralImages(NamedTuple):
    """What the neural mesh renderer draws; row 0 is the top.

    Attributes:
        alpha: (B, S, S) silhouettes.
        depth: (B, S, S) depths, ``far`` where there is no face.
        rgb: (B, 3, S, S) colours; None without textures.
        face_index: (B, S', S') int32 faces before anti-aliasing, with **row 0 at the
            bottom** and S' twice S if that is on; -1 where there is none, and F + k
            for the reversed copy of face k.
    """

    alpha: Tensor
    depth: Tensor
    rgb: Tensor | None
    face_index: Tensor


def neural_rasterize(
    vertices: TensorLike,
    faces: TensorLike,
    textures: TensorLike | None = None,
    *,
    image_size: int,
    anti_aliasing: bool = True,
    fill_back: bool = True,
    near: float = 0.1,
    far: float = 100.0,
    eps: float = 1e-3,
    background: Sequence[float] = (0.0, 0.0, 0.0),
    lengths: TensorLike | None = None,
) -> NeuralImages:
    """Draws projected meshes; gradients tell edges which way to move.

    Each pixel shows the nearest face at its centre; the lower index wins ties. The
    gradient of alpha and rgb is not the slope of the images, which are steps: for
    every edge and every pixel that would lower the loss if the edge moved there, it is
    the gain over the distance. It reaches x and y; the gradient of depth is exact, and
    reaches z too. The gradient of a gradient is not offered. Results do not depend on
    the number of threads.

    Source: Kato et al., "Neural 3D Mesh Renderer" (2018), as its PyTorch port computes
    it; silhouettes there use ``eps=1e-4``.

    Args:
        vertices: (B, V, 3) projected positions: x right and y up from -1 to 1 across
            the image, z the depth. Half and bfloat16 are computed in float32.
        faces: (F, 3) vertex indices shared by the batch, or (B, F, 3). Faces that are
            clockwise in the image are not seen.
        textures: (B, F, T, T, T, 3) colour cubes, one axis per corner; none without.
        image_size: Side of the images in pixels, S.
        anti_aliasing: Draw at twice the size and average 2 x 2 pixels, of depth too.
        fill_back: Draw a copy of each face with its corners reversed, so that faces
            are seen from both sides.
        near: Depth up to which nothing is drawn.
        far: Depth from which on nothing is drawn.
        eps: Added to the distances that gains are divided by; and the margin that
            keeps texture coordinates below their end.
        background: Red, green and blue where there is no face.
        lengths: (B,) number of valid faces of each mesh; all without it.

    Returns:
        The images, in the dtype of ``vertices``.

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If an argument's shape, range or content is wrong.
    """
    vertices = check_clouds(vertices, "vertices")
    faces = check_batched_faces(faces, vertices)
    batch, count = len(vertices), faces.shape[1]
    lengths = check_lengths(lengths, faces.expand(batch, -1, -1), "lengths")
    size = check_size(image_size, "image_size", high=1 << 14)
    size = 2 * size if anti_aliasing else size
    if not 0 <= near < far < float("inf"):
        raise ValueError(f"near, far: expected 0 <= near < far, found {near}, {far}")
    if not 0 < eps < 1:
        raise ValueError(f"eps: expected a number between 0 and 1, found {eps}")
    if len(background) != 3:
        raise ValueError(f"background: expected three numbers, found {background!r}")
    dtype = vertices.dtype
    wide = dtype if dtype in (torch.float32, torch.float64) else torch.float32
    cubes = vertices.new_empty(0, dtype=wide)
    if textures is not None:
        cubes = _check_textures(textures, batch, count, vertices).to(wide)
    colour = torch.tensor(background, dtype=wide, device=vertices.device)
    run = _Twin.apply
    if _library.has_kernel("neural_rasterize", vertices):
        run = torch.ops.svr3d.neural_rasterize
    images, depth, index = run(
        vertices.to(wide),
        faces,
        lengths,
        cubes,
        colour,
        size,
        float(near),
        float(far),
        float(eps),
        bool(fill_back),
    )
    maps = [images, depth[:, None]]
    if anti_aliasing:
        maps = [avg_pool2d(m, 2) for m in maps]
    images, depth = (m.flip(2).to(dtype) for m in maps)
    rgb = None if textures is None else images[:, 1:]
    return NeuralImages(images[:, 0], depth[:, 0], rgb, index)


def _check_textures(
    value: TensorLike, batch: int, count: int, vertices: Tensor
) -> Tensor:
    textures = as_tensor(value, "textures")
    if not textures.is_floating_point():
        raise TypeError(f"textures: expected a floating dtype, found {textures.dtype}")
    side = textures.shape[2] if textures.ndim == 6 else 0
    if side < 1 or textures.shape != (batch, count, side, side, side, 3):
        raise ValueError(
            f"textures: expected shape ({batch}, {count}, T, T, T, 3), found "
            f"{tuple(textures.shape)}"
        )
    if textures.device != vertices.device:
        raise ValueError(
            f"textures: expected device {vertices.device} like vertices, found "
            f"{textures.device}"
        )
    check_finite(textures, "textures")
    return textures


def _keep(ctx: Any, inputs: tuple, output: tuple) -> None:
    ctx.set_materialize_grads(False)
    vertices, faces, lengths, textures, background, _, *ctx.settings = inputs
    images, depth, index = output
    ctx.mark_non_differentiable(index)
    ctx.save_for_backward(
        images, depth, index, vertices, faces, lengths, textures, background
    )


def _slopes(run: Any, ctx: Any, *grads: Tensor | None) -> tuple:
    vertices, textures = ctx.saved_tensors[3], ctx.saved_tensors[6]
    # A gradient that nobody asked for has fewer dimensions than its map.
    given = [vertices.new_empty(0) if g is None else g for g in grads[:2]]
    vertex_grad, texture_grad = run(*given, *ctx.saved_tensors, *ctx.settings)
    texture_grad = texture_grad.reshape(textures.shape)
    return vertex_grad, None, None, texture_grad, *[None] * 6


def _backward(ctx: Any, *grads: Tensor | None) -> tuple:
    return _slopes(torch.ops.svr3d.neural_rasterize_backward, ctx, *grads)


class _Twin(torch.autograd.Function):
    @staticmethod
    def forward(*arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
        return neural_rasterize_torch(*arguments)

    setup_context = staticmethod(_keep)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple:
        return _slopes(neural_rasterize_backward_torch, ctx, *grads)


def _fake(
    vertices: Tensor,
    faces: Tensor,
    lengths: Tensor,
    textures: Tensor,
    background: Tensor,
    size: int,
    near: float,
    far: float,
    eps: float,
    fill_back: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    batch, channels = vertices.shape[0], 4 if textures.ndim == 6 else 1
    return (
        vertices.new_empty((batch, channels, size, size)),
        vertices.new_empty((batch, size, size)),
        vertices.new_empty((batch, size, size), dtype=torch.int32),
    )


def _fake_backward(
    grad_images: Tensor,
    grad_depth: Tensor,
    images: Tensor,
    depth: Tensor,
    index: Tensor,
    vertices: Tensor,
    faces: Tensor,
    lengths: Tensor,
    textures: Tensor,
    background: Tensor,
    near: float,
    far: float,
    eps: float,
    fill_back: bool,
) -> tuple[Tensor, Tensor]:
    return vertices.new_empty(vertices.shape), vertices.new_empty(textures.numel())


if _library.load():
    torch.library.register_fake("svr3d::neural_rasterize", _fake)
    torch.library.register_fake("svr3d::neural_rasterize_backward", _fake_backward)
    torch.library.register_autograd(
        "svr3d::neural_rasterize", _backward, setup_context=_keep
    )
