# SPDX-License-Identifier: Apache-2.0
"""Points drawn uniformly by area from triangle meshes."""

from typing import NamedTuple

import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import (
    TensorLike,
    as_tensor,
    check_clouds,
    check_lengths,
    check_size,
)
from svr3d.ops._torch.sample_surface import sample_surface_torch


class SurfaceSamples(NamedTuple):
    """Samples of surfaces; meshes without a batch axis have samples without one.

    Attributes:
        points: (B, N, 3), differentiable in the vertices.
        normals: (B, N, 3) unit normals of the faces (counter-clockwise corners are
            seen from outside), differentiable in the vertices.
        face_index: (B, N) int64, the face of each sample.
        barycentric: (B, N, 3) weights of the face's corners; they sum to one.
    """

    points: Tensor
    normals: Tensor
    face_index: Tensor
    barycentric: Tensor


def sample_surface(
    vertices: TensorLike,
    faces: TensorLike,
    count: int,
    *,
    seed: int | Tensor = 0,
    lengths: TensorLike | None = None,
) -> SurfaceSamples:
    """Draws points uniformly by area.

    A face is drawn in proportion to its area, then a point in it with the weights
    ``(1 - sqrt(u), sqrt(u) (1 - v), sqrt(u) v)`` (Osada et al., "Shape distributions",
    2002). The numbers of sample i are a function of the seed and i alone (SplitMix64 as
    a counter-based generator): results depend neither on threads nor on the other
    meshes of a batch, and the first n of N samples are those of a call for n. Areas
    and points are computed in float64 for every dtype. With CUDA the gradients are
    added with atomics, whose order varies; all else is deterministic.

    Args:
        vertices: (B, V, 3), or (V, 3) for one mesh; any floating dtype.
        faces: (B, F, 3) int64 or int32, or (F, 3), which all meshes share.
        count: Samples per mesh, N.
        seed: Of the draws, or (B,) int64 seeds; with one seed all meshes of a batch
            use the same random numbers.
        lengths: (B,) number of valid faces per mesh; all F without it. What follows
            is padding, of any value.

    Returns:
        Points, unit normals, faces and barycentric weights.

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If a shape is wrong, a coordinate is not finite, an index is out
            of range, or a mesh has no face of positive, finite area.
    """
    vertices = as_tensor(vertices, "vertices")
    single = vertices.ndim == 2
    clouds = check_clouds(vertices[None] if single else vertices, "vertices")
    faces = _check_faces(faces, clouds)
    lengths = check_lengths(lengths, faces.expand(len(clouds), -1, -1), "lengths")
    _check_indices(faces, lengths, clouds.shape[1])
    count = check_size(count, "count", low=0, high=2**31)
    seeds = _check_seeds(seed, clouds)
    dtype = clouds.dtype
    if dtype not in (torch.float32, torch.float64):
        clouds = clouds.float()
    if _library.has_kernel("sample_surface", clouds):
        found = torch.ops.svr3d.sample_surface(clouds, faces, lengths, seeds, count)
    else:
        found = sample_surface_torch(clouds, faces, lengths, seeds, count)
    _check_areas(found[2])
    points, normals, index, weights = (part[0] for part in found) if single else found
    return SurfaceSamples(points.to(dtype), normals.to(dtype), index, weights.to(dtype))


def _check_faces(value: TensorLike, vertices: Tensor) -> Tensor:
    """Returns (B or 1, F, 3) int64."""
    faces = as_tensor(value, "faces")
    if faces.dtype not in (torch.int64, torch.int32):
        raise TypeError(f"faces: expected int64 or int32, found {faces.dtype}")
    shape = tuple(faces.shape)
    if faces.ndim == 2:
        faces = faces[None]
    batch = len(vertices)
    if faces.ndim != 3 or faces.shape[2] != 3 or len(faces) not in (1, batch):
        raise ValueError(
            f"faces: expected shape (F, 3) or ({batch}, F, 3), found {shape}"
        )
    if faces.device != vertices.device:
        raise ValueError(
            f"faces: expected device {vertices.device} like vertices, found "
            f"{faces.device}"
        )
    return faces.long()


def _check_indices(faces: Tensor, lengths: Tensor, num_vertices: int) -> None:
    if torch.compiler.is_compiling() or not faces.numel() or not len(lengths):
        return
    if int(lengths.min()) < faces.shape[1]:
        order = torch.arange(faces.shape[1], device=faces.device)
        faces = faces.expand(len(lengths), -1, -1)[order < lengths[:, None]]
        if not faces.numel():
            return
    low, high = (int(v) for v in torch.aminmax(faces))
    if low < 0 or high >= num_vertices:
        raise ValueError(
            f"faces: expected indices from 0 to {num_vertices - 1} (there are "
            f"{num_vertices} vertices), found {low if low < 0 else high}"
        )


def _check_seeds(seed: int | Tensor, vertices: Tensor) -> Tensor:
    batch = len(vertices)
    if not isinstance(seed, Tensor):
        seed = check_size(seed, "seed", low=-(2**63), high=2**63 - 1)
        return torch.full((batch,), seed, dtype=torch.int64, device=vertices.device)
    if seed.dtype != torch.int64:
        raise TypeError(f"seed: expected an int or int64, found {seed.dtype}")
    if seed.shape != (batch,):
        raise ValueError(f"seed: expected shape ({batch},), found {tuple(seed.shape)}")
    if seed.device != vertices.device:
        raise ValueError(
            f"seed: expected device {vertices.device} like vertices, found "
            f"{seed.device}"
        )
    return seed


def _check_areas(face_index: Tensor) -> None:
    if torch.compiler.is_compiling() or not face_index.numel():
        return
    empty = (face_index[:, 0] < 0).nonzero()
    if len(empty):
        raise ValueError(
            "faces: expected a face of positive, finite area to sample from, found "
            f"none in mesh {int(empty[0])} of {len(face_index)}"
        )


def _fake(
    vertices: Tensor, faces: Tensor, lengths: Tensor, seeds: Tensor, count: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    shape = (vertices.shape[0], count)
    index = vertices.new_empty(shape, dtype=torch.int64)
    points, normals, weights = (vertices.new_empty((*shape, 3)) for _ in range(3))
    return points, normals, index, weights


def _fake_backward(
    point_gradient: Tensor,
    normal_gradient: Tensor,
    vertices: Tensor,
    faces: Tensor,
    face_index: Tensor,
    barycentric: Tensor,
) -> Tensor:
    return torch.empty_like(vertices, memory_format=torch.contiguous_format)


def _setup_context(ctx, inputs: tuple, output: tuple) -> None:
    vertices, faces, *_ = inputs
    _, _, index, weights = output
    ctx.save_for_backward(vertices, faces, index, weights)
    ctx.mark_non_differentiable(index, weights)


def _backward(ctx, point_gradient: Tensor, normal_gradient: Tensor, *_) -> tuple:
    gradient = torch.ops.svr3d.sample_surface_backward(
        point_gradient, normal_gradient, *ctx.saved_tensors
    )
    return gradient, None, None, None, None


if _library.load():
    torch.library.register_fake("svr3d::sample_surface", _fake)
    torch.library.register_fake("svr3d::sample_surface_backward", _fake_backward)
    torch.library.register_autograd(
        "svr3d::sample_surface", _backward, setup_context=_setup_context
    )
