# SPDX-License-Identifier: Apache-2.0
"""Nearest neighbours between point clouds."""

from typing import NamedTuple

import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import (
    TensorLike,
    check_cloud_pair,
    check_lengths,
    check_size,
)
from svr3d.ops._torch.nearest_neighbors import nearest_neighbors_torch


class NearestNeighbors(NamedTuple):
    """Neighbours of every query, nearest first.

    Attributes:
        squared_distances: (B, N, k) squared Euclidean distances.
        indices: (B, N, k) int64 indices of the points.
    """

    squared_distances: Tensor
    indices: Tensor


def nearest_neighbors(
    queries: TensorLike,
    points: TensorLike,
    k: int = 1,
    *,
    query_lengths: TensorLike | None = None,
    point_lengths: TensorLike | None = None,
) -> NearestNeighbors:
    """Finds the k points nearest to each query, exactly.

    Distances are sums of squared differences, never negative, rounded alike by every
    kernel; of points that are equally far those of lower index come first. Rows
    beyond ``query_lengths``, and places beyond the last point if a cloud has fewer
    than k, hold index -1 and distance infinity.

    The CPU kernel sorts both clouds along a Morton curve and lets packets of 16
    neighbouring queries walk a tree of boxes together; it falls to brute force by
    itself where clouds are small. The CUDA kernel is brute force. Gradients flow from
    the distances to both clouds, with the indices held fixed; they are sums in a
    fixed order on the CPU, of atomic additions on CUDA.

    Args:
        queries: (B, N, 3) clouds, any floating dtype; half and bfloat16 are computed
            in float32.
        points: (B, M, 3) clouds that are searched, of the same dtype.
        k: Neighbours per query.
        query_lengths: (B,) number of valid queries; all N without it.
        point_lengths: (B,) number of valid points; all M without it.

    Returns:
        Squared distances and indices.

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If a shape, device or number is wrong, or a coordinate is not
            finite.
    """
    queries, points = check_cloud_pair(queries, points, "queries", "points")
    query_lengths = check_lengths(query_lengths, queries, "query_lengths")
    point_lengths = check_lengths(point_lengths, points, "point_lengths")
    k = check_size(k, "k")
    run = nearest_neighbors_torch
    if _library.has_kernel("nearest_neighbors", queries):
        run = torch.ops.svr3d.nearest_neighbors
    found = run(queries, points, query_lengths, point_lengths, k)
    return NearestNeighbors(*found)


def nearest_both(
    x: Tensor, y: Tensor, x_lengths: Tensor, y_lengths: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Nearest neighbours of x in y and of y in x, for arguments already checked.

    Returns:
        (B, N) squared distances and indices, (B, M) squared distances and indices.
    """
    if _library.has_kernel("nearest_neighbors_both", x):
        found = torch.ops.svr3d.nearest_neighbors_both(x, y, x_lengths, y_lengths)
    else:
        found = (
            *nearest_neighbors_torch(x, y, x_lengths, y_lengths, 1),
            *nearest_neighbors_torch(y, x, y_lengths, x_lengths, 1),
        )
    return tuple(tensor.squeeze(2) for tensor in found)


def _fake(
    queries: Tensor,
    points: Tensor,
    query_lengths: Tensor,
    point_lengths: Tensor,
    k: int,
) -> tuple[Tensor, Tensor]:
    shape = (queries.shape[0], queries.shape[1], k)
    return queries.new_empty(shape), queries.new_empty(shape, dtype=torch.int64)


def _fake_both(
    x: Tensor, y: Tensor, x_lengths: Tensor, y_lengths: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    first = _fake(x, y, x_lengths, y_lengths, 1)
    return *first, *_fake(y, x, y_lengths, x_lengths, 1)


def _fake_backward(
    grad: Tensor, queries: Tensor, points: Tensor, indices: Tensor
) -> tuple[Tensor, Tensor]:
    return (
        queries.new_empty(queries.shape),
        points.new_empty(points.shape),
    )


def _fake_both_backward(
    x_grad: Tensor,
    y_grad: Tensor,
    x: Tensor,
    y: Tensor,
    x_indices: Tensor,
    y_indices: Tensor,
) -> tuple[Tensor, Tensor]:
    return x.new_empty(x.shape), y.new_empty(y.shape)


def _save(ctx, inputs, output) -> None:
    ctx.save_for_backward(inputs[0], inputs[1], output[1])


def _backward(ctx, grad, _):
    grads = torch.ops.svr3d.nearest_neighbors_backward(grad, *ctx.saved_tensors)
    return *grads, None, None, None


def _save_both(ctx, inputs, output) -> None:
    ctx.save_for_backward(inputs[0], inputs[1], output[1], output[3])


def _backward_both(ctx, x_grad, _, y_grad, __):
    grads = torch.ops.svr3d.nearest_neighbors_both_backward(
        x_grad, y_grad, *ctx.saved_tensors
    )
    return *grads, None, None


if _library.load():
    torch.library.register_fake("svr3d::nearest_neighbors", _fake)
    torch.library.register_fake("svr3d::nearest_neighbors_both", _fake_both)
    torch.library.register_fake("svr3d::nearest_neighbors_backward", _fake_backward)
    torch.library.register_fake(
        "svr3d::nearest_neighbors_both_backward", _fake_both_backward
    )
    torch.library.register_autograd(
        "svr3d::nearest_neighbors", _backward, setup_context=_save
    )
    torch.library.register_autograd(
        "svr3d::nearest_neighbors_both", _backward_both, setup_context=_save_both
    )
