# SPDX-License-Identifier: Apache-2.0
"""Nearest neighbours in plain torch."""

import torch
from torch import Tensor

_CHUNK = 1 << 22  # distances that are held at a time


def nearest_neighbors_torch(
    queries: Tensor,
    points: Tensor,
    query_lengths: Tensor,
    point_lengths: Tensor,
    k: int,
) -> tuple[Tensor, Tensor]:
    """Same contract as ``torch.ops.svr3d.nearest_neighbors``, dense in chunks."""
    indices = neighbor_indices(
        queries.detach(), points.detach(), query_lengths, point_lengths, k
    )
    found = gather_points(points, indices)
    distances = squared_lengths(queries[:, :, None] - found)
    return distances.masked_fill(indices < 0, float("inf")), indices


def neighbor_indices(
    queries: Tensor,
    points: Tensor,
    query_lengths: Tensor,
    point_lengths: Tensor,
    k: int,
) -> Tensor:
    """(B, N, k) indices of the k nearest points, -1 where there are fewer."""
    batch, count, _ = queries.shape
    size = points.shape[1]
    numbers = torch.arange(size, device=points.device)
    padding = numbers >= point_lengths[:, None, None]
    indices = queries.new_full((batch, count, k), -1, dtype=torch.int64)
    if size == 0 or batch == 0:
        return indices
    step = max(1, _CHUNK // (batch * size))
    for start in range(0, count, step):
        part = queries[:, start : start + step, None] - points[:, None]
        distances = squared_lengths(part).masked_fill(padding, float("nan"))
        if k == 1:  # the first of equal distances
            least = distances.nan_to_num(float("inf")).amin(2, keepdim=True)
            first = torch.where(distances == least, numbers, size).amin(2, keepdim=True)
        else:
            first = distances.sort(dim=2, stable=True)[1][..., :k]
        missing = first >= point_lengths[:, None, None]
        first = first.masked_fill(missing, -1)
        indices[:, start : start + step, : first.shape[2]] = first
    rows = torch.arange(count, device=queries.device) >= query_lengths[:, None]
    return indices.masked_fill(rows[..., None], -1)


def squared_lengths(vectors: Tensor) -> Tensor:
    """x x + y y + z z of (..., 3) vectors, in the order of the compiled kernels."""
    x, y, z = vectors.unbind(-1)
    return x * x + y * y + z * z


def gather_points(points: Tensor, indices: Tensor) -> Tensor:
    """(B, N, k, D) rows of (B, M, D) points; those of index -1 are arbitrary."""
    batch, count, k = indices.shape
    if points.shape[1] == 0:
        return points.new_zeros(batch, count, k, points.shape[2])
    flat = indices.clamp(min=0).reshape(batch, count * k, 1)
    found = points.gather(1, flat.expand(-1, -1, points.shape[2]))
    return found.reshape(batch, count, k, points.shape[2])
