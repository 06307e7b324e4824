# SPDX-License-Identifier: Apache-2.0
"""Hard rasterisation: which face each pixel sees, how far, and where on it."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import (
    TensorLike,
    as_tensor,
    check_cameras,
    check_faces,
    check_points,
    check_size,
)
from svr3d.ops._mesh_batches import check_mesh_index, pack_meshes
from svr3d.ops._torch.rasterize_meshes import (
    interpolate_hits,
    rasterize_mesh_batch_torch,
    rasterize_meshes_torch,
)


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
    vertices: TensorLike | Sequence[TensorLike],
    faces: TensorLike | Sequence[TensorLike],
    extrinsics: TensorLike,
    intrinsics: TensorLike,
    *,
    height: int,
    width: int,
    near: float = 1e-3,
    far: float = float("inf"),
    cull_backfaces: bool = False,
    mesh_index: TensorLike | None = None,
    lengths: TensorLike | None = None,
) -> RasterizedFragments:
    """Finds the nearest face at each pixel centre of N views of a mesh, or of several.

    Pixel (row, column) has its centre at (column + 0.5, row + 0.5). Cameras have
    OpenCV axes: x right, y down, z forward. A pixel on the edge of two faces at equal
    depth goes to the lower index. Faces may cross the near plane. The result does not
    depend on the number of threads.

    Gradients flow from ``depth`` and ``barycentric`` to vertices and cameras, with
    the hit faces held fixed.

    Source: Olano and Greer, "Triangle scan conversion using 2D homogeneous
    coordinates" (1997).

    Args:
        vertices: (V, 3) positions in the object frame; or (B, V, 3), or a list of
            (V_i, 3), for B meshes.
        faces: (F, 3) vertex indices, which B meshes may share; or (B, F, 3), or a list
            of (F_i, 3).
        extrinsics: (N, 3, 4) object-to-camera [R | t].
        intrinsics: (N, 3, 3) in pixels, last row (0, 0, 1).
        height: Rows of the images, in pixels.
        width: Columns of the images, in pixels.
        near: Nearest depth that is drawn, positive.
        far: Furthest depth that is drawn.
        cull_backfaces: Leave out faces that look away, whose corners are clockwise
            in the image.
        mesh_index: (N,) the mesh that each view shows, if there are several; view i
            shows mesh i without it.
        lengths: (B,) number of valid faces of each mesh in (B, V, 3) form.

    Returns:
        The fragments; faces are numbered within their mesh.

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If an argument's shape, range or content is wrong.
    """
    spans = None
    if isinstance(vertices, list | tuple) or getattr(vertices, "ndim", 2) == 3:
        if not isinstance(vertices, list | tuple):
            vertices = as_tensor(vertices, "vertices")
        vertices, faces, spans = pack_meshes(vertices, faces, lengths)
    else:
        vertices = check_points(vertices, "vertices")
        faces = check_faces(faces, vertices)
        for name, value in (("mesh_index", mesh_index), ("lengths", lengths)):
            if value is not None:
                raise ValueError(f"{name}: expected None for one mesh, found a value")
    extrinsics, intrinsics = check_cameras(extrinsics, intrinsics, vertices)
    if spans is not None:
        mesh_index = check_mesh_index(mesh_index, len(spans), extrinsics)
    height = check_size(height, "height", high=1 << 16)
    width = check_size(width, "width", high=1 << 16)
    if not 0 < near < far:
        raise ValueError(f"near, far: expected 0 < near < far, found {near}, {far}")
    geometry = [vertices, extrinsics, intrinsics]
    v, e, k = (tensor.detach().double() for tensor in geometry)
    settings = (height, width, float(near), float(far), bool(cull_backfaces))
    if spans is None:
        run = rasterize_meshes_torch
        if vertices.is_cpu and _library.available():
            run = torch.ops.svr3d.rasterize_meshes
        elif _library.has_kernel("rasterize_mesh_batch", vertices):
            run = _rasterize_alone
        found = run(v, faces, e, k, *settings)
    else:
        run = rasterize_mesh_batch_torch
        if _library.has_kernel("rasterize_mesh_batch", vertices):
            run = torch.ops.svr3d.rasterize_mesh_batch
        found = run(v, faces, spans, mesh_index, e, k, *settings)
    face_index, depth, barycentric = found
    if torch.is_grad_enabled() and any(t.requires_grad for t in geometry):
        starts = None if spans is None else spans[mesh_index]
        depth, barycentric = interpolate_hits(
            face_index, faces, *geometry, starts=starts
        )
    return RasterizedFragments(face_index, depth, barycentric)


def _rasterize_alone(
    vertices: Tensor, faces: Tensor, extrinsics: Tensor, *rest: Tensor | float
) -> tuple[Tensor, Tensor, Tensor]:
    """One mesh as a batch of one, for devices that only know batches."""
    span = torch.tensor([[0, len(vertices), 0, len(faces)]], device=vertices.device)
    order = torch.zeros(len(extrinsics), dtype=torch.int64, device=vertices.device)
    return torch.ops.svr3d.rasterize_mesh_batch(
        vertices, faces, span, order, extrinsics, *rest
    )


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


def _fake_batch(
    vertices: Tensor,
    faces: Tensor,
    meshes: Tensor,
    mesh_index: Tensor,
    extrinsics: Tensor,
    *settings: float,
) -> tuple[Tensor, Tensor, Tensor]:
    return _fake(vertices, faces, extrinsics, *settings)


if _library.load():
    torch.library.register_fake("svr3d::rasterize_mesh_batch", _fake_batch)
    torch.library.register_fake("svr3d::rasterize_meshes", _fake)
