# SPDX-License-Identifier: Apache-2.0
"""Distances from points to triangle meshes."""

from typing import NamedTuple

import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import TensorLike, check_faces, check_points
from svr3d.ops._torch.point_mesh_distance import point_mesh_distance_torch


class PointMeshDistance(NamedTuple):
    """Where each point is nearest to the surface.

    Attributes:
        squared_distances: (P,), differentiable in points and vertices.
        face_index: (P,) int64, the nearest face; of equally near ones the first.
        barycentric: (P, 3) weights of the face's corners; they sum to one.
        closest: (P, 3) the nearest point of the surface. Its gradient to the vertices
            is that of a point with fixed weights.
    """

    squared_distances: Tensor
    face_index: Tensor
    barycentric: Tensor
    closest: Tensor


def point_mesh_distance(
    points: TensorLike, vertices: TensorLike, faces: TensorLike
) -> PointMeshDistance:
    r"""Finds the nearest point of a mesh to each point, exactly.

    .. math:: d^2(p) = \min_f \min_{x \in f} |p - x|^2

    The distance has no sign; ``winding_number`` or ``points_in_mesh`` tell which side a
    point is on. Faces without area count as the segments or points that they are.
    Computed in float64 for every dtype; distances are those to the point that the
    weights give. A face whose corners are within 1e-8 of one line is taken as its
    edges.

    The CPU kernel walks a tree of boxes over the faces, eight at a time; the CUDA
    kernel looks at all faces. The result depends neither on threads nor on which other
    points are asked for. Gradients hold the weights fixed, which is exact for the
    distance (its derivatives along the surface vanish), also where it is zero.

    Args:
        points: (P, 3), any floating dtype.
        vertices: (V, 3) of the same dtype.
        faces: (F, 3) int64 or int32, at least one if there are points.

    Returns:
        Squared distances, faces, weights and nearest points.

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If a shape, device or index is wrong, a coordinate is not finite, or
            there is no face.
    """
    points = check_points(points, "points")
    vertices = check_points(vertices, "vertices")
    faces = check_faces(faces, vertices)
    if vertices.dtype != points.dtype:
        raise TypeError(
            f"vertices: expected dtype {points.dtype} like points, found "
            f"{vertices.dtype}"
        )
    if vertices.device != points.device:
        raise ValueError(
            f"vertices: expected device {points.device} like points, found "
            f"{vertices.device}"
        )
    if len(faces) == 0 and len(points) > 0:
        raise ValueError("faces: expected at least one face, found none")
    with torch.no_grad():
        arguments = (*_normalized(points, vertices), faces)
        run = point_mesh_distance_torch
        if _library.has_kernel("point_mesh_distance", points):
            run = torch.ops.svr3d.point_mesh_distance
        index, weights = run(*arguments)
    corners = vertices[faces[index]].double()
    places = points.double()
    # From the point, so that nothing is lost far from the origin.
    offset = ((corners - places[:, None]) * weights[..., None]).sum(1)
    dtype = points.dtype
    return PointMeshDistance(
        offset.square().sum(1).to(dtype),
        index,
        weights.to(dtype),
        (places + offset).to(dtype),
    )


def _normalized(points: Tensor, vertices: Tensor) -> tuple[Tensor, Tensor]:
    """Both in float64, moved and scaled alike into [-1, 1].

    The nearest faces stay the same; squares neither overflow nor vanish.
    """
    points, vertices = points.double(), vertices.double()
    if len(points) == 0 or len(vertices) == 0:
        return points, vertices
    low = torch.minimum(points.amin(0), vertices.amin(0))
    high = torch.maximum(points.amax(0), vertices.amax(0))
    centre, extent = low / 2 + high / 2, (high / 2 - low / 2).amax()
    scale = torch.where(extent > 0, extent, 1)
    return (points - centre) / scale, (vertices - centre) / scale


def _fake(points: Tensor, vertices: Tensor, faces: Tensor) -> tuple[Tensor, Tensor]:
    count = points.shape[0]
    return (
        points.new_empty((count,), dtype=torch.int64),
        points.new_empty((count, 3)),
    )


if _library.load():
    torch.library.register_fake("svr3d::point_mesh_distance", _fake)
