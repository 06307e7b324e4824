# SPDX-License-Identifier: Apache-2.0
"""Area-weighted surface samples in plain torch."""

import torch
from torch import Tensor

_STEP = 0x9E3779B97F4A7C15 - (1 << 64)
_BLOCK = 256  # faces per partial sum, as in the kernels


def _shift(values: Tensor, bits: int) -> Tensor:
    """Shifts int64 right as if it had no sign."""
    return (values >> bits) & ((1 << (64 - bits)) - 1)


def _mix(z: Tensor) -> Tensor:
    """The finaliser of SplitMix64 on int64, whose products wrap."""
    z = (z ^ _shift(z, 30)) * (0xBF58476D1CE4E5B9 - (1 << 64))
    z = (z ^ _shift(z, 27)) * (0x94D049BB133111EB - (1 << 64))
    return z ^ _shift(z, 31)


def _draws(seeds: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Uniform numbers (B, count): for the face, and two for the place in it."""
    at = 2 * torch.arange(count, device=seeds.device) * _STEP
    at = _mix(seeds)[:, None] + at
    first, second = _mix(at + _STEP), _mix(at + _STEP + _STEP)
    low = (second & 0xFFFFFFFF).double() * 2.0**-32
    return (
        _shift(first, 12).double() * 2.0**-52,
        (_shift(second, 32).double() * 2.0**-32),
        low,
    )


def _running_sums(areas: Tensor) -> Tensor:
    """Cumulative sums (B, F), blocks first, in the order of the kernels."""
    batch, count = areas.shape
    padded = torch.nn.functional.pad(areas, (0, -count % _BLOCK))
    number = padded.shape[1] // _BLOCK
    blocks = padded.reshape(batch, number, _BLOCK).cumsum(2)
    ends = blocks[:, :, -1].cumsum(1)
    offsets = torch.cat((torch.zeros_like(ends[:, :1]), ends[:, :-1]), 1)
    sums = (blocks + offsets[:, :, None]).reshape(batch, number * _BLOCK)
    return sums[:, :count].contiguous()


def sample_surface_torch(
    vertices: Tensor, faces: Tensor, lengths: Tensor, seeds: Tensor, count: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Same contract as ``torch.ops.svr3d.sample_surface``, gradients by torch."""
    batch, dtype = len(vertices), vertices.dtype
    faces = faces.expand(batch, -1, 3)
    valid = torch.arange(faces.shape[1], device=faces.device) < lengths[:, None]
    if faces.shape[1] == 0 or vertices.shape[1] == 0:
        nothing = (
            vertices.new_zeros(batch, count, 3)
            + 0 * vertices.sum((1, 2))[:, None, None]
        )
        index = torch.full((batch, count), -1, device=faces.device)
        return nothing, nothing, index, nothing.detach()
    faces = torch.where(valid[..., None], faces, 0)
    rows = torch.arange(batch, device=faces.device)[:, None]
    corners = vertices.double()[rows[..., None], faces]
    a, b, c = corners.detach().unbind(2)
    areas = torch.linalg.cross(b - a, c - a).norm(dim=2)
    sums = _running_sums(torch.where(valid, areas, 0))
    total = sums[:, -1:]
    area, square, share = _draws(seeds, count)
    target = area * total
    index = torch.searchsorted(sums, target, right=True).clamp_max(faces.shape[1] - 1)
    root = square.sqrt()
    weights = torch.stack((1 - root, root * (1 - share), root * share), 2)
    a, b, c = corners[rows, index].unbind(2)
    points = a * weights[..., :1] + b * weights[..., 1:2] + c * weights[..., 2:]
    normals = torch.linalg.cross(b - a, c - a)
    normals = normals / normals.norm(dim=2, keepdim=True)
    usable = ((total > 0) & total.isfinite())[..., None]
    points, normals, weights = (
        torch.where(usable, values, 0) for values in (points, normals, weights)
    )
    index = torch.where(usable[..., 0], index, -1)
    return points.to(dtype), normals.to(dtype), index, weights.to(dtype)
