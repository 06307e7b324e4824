# SPDX-License-Identifier: Apache-2.0
"""Marching cubes in plain torch."""

import torch
from torch import Tensor

from svr3d.ops._torch.marching_cubes_table import CORNERS, EDGES


def _crossings(low: Tensor) -> Tensor:
    """Whether the level crosses the edge along each axis, (B, X, Y, 3, Z)."""
    found = torch.zeros(*low.shape[:3], 3, low.shape[3], dtype=torch.bool)
    found = found.to(low.device)
    found[:, :-1, :, 0] = low[:, 1:] != low[:, :-1]
    found[:, :, :-1, 1] = low[:, :, 1:] != low[:, :, :-1]
    found[:, :, :, 2, :-1] = low[..., 1:] != low[..., :-1]
    return found


def marching_cubes_torch(
    volumes: Tensor, level: float, table: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Same contract and order of results as ``torch.ops.svr3d.marching_cubes``."""
    batch, device = len(volumes), volumes.device
    table = table.to(device).long()
    level = torch.tensor(level, dtype=volumes.dtype, device=device)
    low = ~(volumes > level)
    crossings = _crossings(low)
    where = crossings.nonzero()
    axis = torch.eye(3, dtype=torch.int64, device=device)[where[:, 3]]
    start = torch.stack((where[:, 1], where[:, 2], where[:, 4]), 1)
    end = start + axis
    first = volumes[where[:, 0], start[:, 0], start[:, 1], start[:, 2]]
    second = volumes[where[:, 0], end[:, 0], end[:, 1], end[:, 2]]
    share = (level - first) / (second - first)
    share = torch.where((share >= 0) & (share <= 1), share, 0.5)
    vertices = start.to(volumes.dtype) + axis * share[:, None]
    vertex_counts = torch.bincount(where[:, 0], minlength=batch)
    firsts = vertex_counts.cumsum(0) - vertex_counts
    numbers = (crossings.flatten().cumsum(0) - 1).reshape(crossings.shape)

    sizes = [max(size - 1, 0) for size in volumes.shape[1:]]
    cases = torch.zeros(batch, *sizes, dtype=torch.int64, device=device)
    for bit, offset in enumerate(CORNERS):
        part = low
        for dim, (shift, size) in enumerate(zip(offset, sizes, strict=True), start=1):
            part = part.narrow(dim, min(shift, part.shape[dim]), size)
        cases |= part.long() << bit
    cells = (table[cases][..., 0] >= 0).nonzero()
    edges = table[cases[tuple(cells.T)]][:, :15]  # (cells, 15), -1 where unused
    ends = torch.tensor(CORNERS, device=device)[torch.tensor(EDGES, device=device)]
    axes = (ends[:, 0] != ends[:, 1]).long().argmax(1)
    place = cells[:, None, 1:] + ends.amin(1)[edges]
    index = numbers[
        cells[:, :1].expand_as(edges),
        place[..., 0],
        place[..., 1],
        axes[edges],
        place[..., 2],
    ]
    faces = (index - firsts[cells[:, :1]])[edges >= 0].reshape(-1, 3)
    per_cell = (edges >= 0).sum(1) // 3
    face_counts = torch.zeros(batch, dtype=torch.int64, device=device)
    face_counts.index_add_(0, cells[:, 0], per_cell)
    return vertices, faces, vertex_counts, face_counts
