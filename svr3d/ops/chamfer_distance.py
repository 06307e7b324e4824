# SPDX-License-Identifier: Apache-2.0
"""Chamfer distance of point clouds, in every form that the methods publish."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from svr3d.ops._arguments import (
    TensorLike,
    check_choice,
    check_cloud_pair,
    check_clouds,
    check_lengths,
)
from svr3d.ops._torch.nearest_neighbors import gather_points
from svr3d.ops.nearest_neighbors import nearest_both


class ChamferTerms(NamedTuple):
    """What two clouds are apart, per direction; every entry is a (B,) tensor.

    With x the reconstruction and y the target, the first direction is the accuracy and
    the second the completeness.

    Attributes:
        x_to_y: Mean distance from the points of x to their nearest in y.
        y_to_x: Mean distance from the points of y to their nearest in x.
        x_to_y_squared: Mean squared distance from x to y.
        y_to_x_squared: Mean squared distance from y to x.
        normals_x_to_y: Mean absolute cosine between a normal of x and that of its
            nearest point in y; None without normals.
        normals_y_to_x: The same from y to x.
    """

    x_to_y: Tensor
    y_to_x: Tensor
    x_to_y_squared: Tensor
    y_to_x_squared: Tensor
    normals_x_to_y: Tensor | None
    normals_y_to_x: Tensor | None

    @property
    def l1(self) -> Tensor:
        """Chamfer-L1 of occupancy networks: half the sum of Euclidean distances."""
        return (self.x_to_y + self.y_to_x) / 2

    @property
    def l2(self) -> Tensor:
        """Chamfer-L2 of occupancy networks: half the sum of squared distances."""
        return (self.x_to_y_squared + self.y_to_x_squared) / 2

    @property
    def normals(self) -> Tensor | None:
        """Normal consistency: the mean of both directions."""
        if self.normals_x_to_y is None:
            return None
        return (self.normals_x_to_y + self.normals_y_to_x) / 2


def chamfer_distance(
    x: TensorLike,
    y: TensorLike,
    *,
    x_lengths: TensorLike | None = None,
    y_lengths: TensorLike | None = None,
    squared: bool = True,
    points: Literal["mean", "sum"] = "mean",
    directions: Literal["sum", "mean", "x_to_y", "y_to_x"] = "sum",
    batch: Literal["mean", "sum", "none"] = "mean",
) -> Tensor:
    """Distance between clouds by the nearest neighbours of their points.

    The defaults are the training loss of AtlasNet, occupancy networks' baselines and
    the self-supervised point clouds: squared distances, the mean over the points of
    each direction, both directions added, the mean over the batch. Published
    variants: ``batch="none"`` for distance matrices; ``squared=False,
    directions="mean"`` for the Chamfer-L1 of occupancy networks (their tables hold ten
    times that); ``directions="x_to_y"`` for one side alone.

    Fan et al., "A point set generation network for 3D object reconstruction from a
    single image" (2017). Gradients flow to both clouds through both directions; where
    two points coincide, the gradient of the Euclidean distance is zero.

    Args:
        x: (B, N, 3) clouds, any floating dtype; half and bfloat16 are computed in
            float32.
        y: (B, M, 3) clouds of the same dtype.
        x_lengths: (B,) number of valid points of x; all N without it.
        y_lengths: (B,) number of valid points of y; all M without it.
        squared: Whether distances are squared; Euclidean ones otherwise.
        points: How the distances of a cloud's points become one number.
        directions: How the two directions become one number, or the one that counts.
        batch: How the numbers of the clouds become one; "none" keeps them.

    Returns:
        A scalar, or (B,) with ``batch="none"``; in the units of the coordinates, or
        their squares.

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If a shape, device or number is wrong, a cloud has no points, or a
            coordinate is not finite.
    """
    points = check_choice(points, "points", ("mean", "sum"))
    directions = check_choice(
        directions, "directions", ("sum", "mean", "x_to_y", "y_to_x")
    )
    batch = check_choice(batch, "batch", ("mean", "sum", "none"))
    x, y, lengths = _check(x, y, x_lengths, y_lengths)
    x_distances, _, y_distances, _ = nearest_both(x, y, *lengths)
    # Without padding the masks need not be made.
    full = [x_lengths is None, y_lengths is None]
    terms = []
    for distances, length, whole in zip(
        (x_distances, y_distances), lengths, full, strict=True
    ):
        values = distances if squared else root(distances)
        terms.append(_reduce(values, length, points, whole))
    value = {
        "sum": lambda: terms[0] + terms[1],
        "mean": lambda: (terms[0] + terms[1]) / 2,
        "x_to_y": lambda: terms[0],
        "y_to_x": lambda: terms[1],
    }[directions]()
    if batch == "none":
        return value
    return value.mean() if batch == "mean" else value.sum()


def chamfer_terms(
    x: TensorLike,
    y: TensorLike,
    *,
    x_lengths: TensorLike | None = None,
    y_lengths: TensorLike | None = None,
    x_normals: TensorLike | None = None,
    y_normals: TensorLike | None = None,
) -> ChamferTerms:
    """Measures each direction, squared and not, and the normals if both are given.

    Mescheder et al., "Occupancy networks" (2019), supplementary: accuracy,
    completeness and normal consistency.

    Args:
        x: (B, N, 3) clouds, any floating dtype; half and bfloat16 are computed in
            float32.
        y: (B, M, 3) clouds of the same dtype.
        x_lengths: (B,) number of valid points of x; all N without it.
        y_lengths: (B,) number of valid points of y; all M without it.
        x_normals: (B, N, 3) normals of any length above zero.
        y_normals: (B, M, 3) normals of any length above zero.

    Returns:
        The terms, each (B,).

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If a shape, device or number is wrong, a cloud has no points, a
            coordinate is not finite, or only one cloud has normals.
    """
    x, y, lengths = _check(x, y, x_lengths, y_lengths)
    x_distances, x_indices, y_distances, y_indices = nearest_both(x, y, *lengths)
    sides = list(zip((x_distances, y_distances), lengths, strict=True))
    plain = [_reduce(root(d), length, "mean", False) for d, length in sides]
    squares = [_reduce(d, length, "mean", False) for d, length in sides]
    normals = [None, None]
    if (x_normals is None) != (y_normals is None):
        raise ValueError("x_normals, y_normals: expected both or neither")
    if x_normals is not None:
        units = (
            _unit_normals(x_normals, x, "x_normals"),
            _unit_normals(y_normals, y, "y_normals"),
        )
        for side, indices in enumerate((x_indices, y_indices)):
            other = gather_points(units[1 - side], indices[..., None]).squeeze(2)
            cosines = (units[side] * other).sum(-1).abs()
            normals[side] = _reduce(cosines, lengths[side], "mean", False)
    return ChamferTerms(*plain, *squares, *normals)


def _check(
    x: TensorLike,
    y: TensorLike,
    x_lengths: TensorLike | None,
    y_lengths: TensorLike | None,
) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
    x, y = check_cloud_pair(x, y, "x", "y")
    lengths = []
    for cloud, value, name in ((x, x_lengths, "x"), (y, y_lengths, "y")):
        length = check_lengths(value, cloud, f"{name}_lengths")
        if len(cloud) and not torch.compiler.is_compiling():
            if cloud.shape[1] == 0 or (value is not None and int(length.min()) == 0):
                raise ValueError(f"{name}: expected at least one point in every cloud")
        lengths.append(length)
    return x, y, tuple(lengths)


def root(squares: Tensor) -> Tensor:
    """Square root whose gradient at 0 is 0."""
    positive = squares > 0
    return torch.where(positive, squares, 1).sqrt() * positive


def mean_over_points(values: Tensor, lengths: Tensor, whole: bool) -> Tensor:
    """Mean over the valid entries of (B, N) rows; all are, if they are whole."""
    return _reduce(values, lengths, "mean", whole)


def _reduce(values: Tensor, lengths: Tensor, how: str, whole: bool) -> Tensor:
    """Mean or sum over the valid entries of (B, N) rows."""
    if whole:
        return values.mean(1) if how == "mean" else values.sum(1)
    valid = torch.arange(values.shape[1], device=values.device) < lengths[:, None]
    total = torch.where(valid, values, 0).sum(1)
    return total / lengths if how == "mean" else total


def _unit_normals(value: TensorLike, cloud: Tensor, name: str) -> Tensor:
    normals = check_clouds(value, name).to(cloud.dtype)
    if normals.shape != cloud.shape:
        raise ValueError(
            f"{name}: expected shape {tuple(cloud.shape)} like the cloud, found "
            f"{tuple(normals.shape)}"
        )
    if normals.device != cloud.device:
        raise ValueError(
            f"{name}: expected device {cloud.device}, found {normals.device}"
        )
    return torch.nn.functional.normalize(normals, dim=-1)
