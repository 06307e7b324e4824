# SPDX-License-Identifier: Apache-2.0
"""Hard rasterisation: which face each pixel sees, how far, and where on it."""

from typing import NamedTuple

import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import (
    TensorLike,
    check_cameras,
    check_faces,
    check_points,
    check_size,
)
from svr3d.ops._torch.rasterize_meshes import interpolate_hits, rasterize_meshes_torch


class RasterizedFragments(NamedTuple):
    """First hits of N views.

    Attributes:
        face_index: (N, H, W) int64 index of the face seen, -1 where there is none.
        depth: (N, H, W) float32 distance along the camera's z axis, 0 where no face.
        barycentric: (N, H, W, 3) float32 perspective-correct weights of the face's
            corners at the hit, 0 where no face.
    """

    face_index: Tensor
    depth: Tensor
    barycentric: Tensor


def rasterize_meshes(
    vertices: TensorLike,
    faces: TensorLike,
    extrinsics: TensorLike,
    intrinsics: TensorLike,
    *,
    height: int,
    width: int,
    near: float = 1e-3,
    far: float = float("inf"),
    cull_backfaces: bool = False,
) -> RasterizedFragments:
    """Finds the nearest face at each pixel centre of N views of one mesh.

    Pixel (row, column) has its centre at (column + 0.5, row + 0.5). Cameras have
    OpenCV axes: x right, y down, z forward. A pixel on the edge of two faces at equal
    depth goes to the lower index. Faces may cross the near plane. The result does not
    depend on the number of threads.

    Gradients flow from ``depth`` and ``barycentric`` to vertices and cameras, with
    the hit faces held fixed.

    Source: Olano and Greer, "Triangle scan conversion using 2D homogeneous
    coordinates" (1997).

    Args:
        vertices: (V, 3) positions in the object frame.
        faces: (F, 3) vertex indices.
        extrinsics: (N, 3, 4) object-to-camera [R | t].
        intrinsics: (N, 3, 3) in pixels, last row (0, 0, 1).
        height: Rows of the images, in pixels.
        width: Columns of the images, in pixels.
        near: Nearest depth that is drawn, positive.
        far: Furthest depth that is drawn.
        cull_backfaces: Leave out faces that look away, whose corners are clockwise
            in the image.

    Returns:
        The fragments.

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If an argument's shape, range or content is wrong.
    """
    vertices = check_points(vertices, "vertices")
    faces = check_faces(faces, vertices)
    extrinsics, intrinsics = check_cameras(extrinsics, intrinsics, vertices)
    height = check_size(height, "height", high=1 << 16)
    width = check_size(width, "width", high=1 << 16)
    if not 0 < near < far:
        raise ValueError(f"near, far: expected 0 < near < far, found {near}, {far}")
    geometry = [vertices, extrinsics, intrinsics]
    v, e, k = (tensor.detach().double() for tensor in geometry)
    run = rasterize_meshes_torch
    if vertices.is_cpu and _library.available():
        run = torch.ops.svr3d.rasterize_meshes
    face_index, depth, barycentric = run(
        v, faces, e, k, height, width, float(near), float(far), bool(cull_backfaces)
    )
    if torch.is_grad_enabled() and any(t.requires_grad for t in geometry):
        depth, barycentric = interpolate_hits(face_index, faces, *geometry)
    return RasterizedFragments(face_index, depth, barycentric)


def _fake(
    vertices: Tensor,
    faces: Tensor,
    extrinsics: Tensor,
    intrinsics: Tensor,
    height: int,
    width: int,
    near: float,
    far: float,
    cull_backfaces: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    shape = (extrinsics.shape[0], height, width)
    return (
        vertices.new_empty(shape, dtype=torch.int64),
        vertices.new_empty(shape, dtype=torch.float32),
        vertices.new_empty((*shape, 3), dtype=torch.float32),
    )


if _library.load():
    torch.library.register_fake("svr3d::rasterize_meshes", _fake)
