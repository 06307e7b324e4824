# SPDX-License-Identifier: Apache-2.0
"""Rasterisation in torch: every face is tested in every pixel of its view."""

from collections.abc import Callable

import torch
from torch import Tensor


def _inverse_corners(corners: Tensor) -> tuple[Tensor, Tensor]:
    """Rows that map a pixel to b / z, and the determinants, of (..., 3, 3) corners."""
    p0, p1, p2 = corners.unbind(-2)
    rows = torch.stack(
        (
            torch.linalg.cross(p1, p2),
            torch.linalg.cross(p2, p0),
            torch.linalg.cross(p0, p1),
        ),
        dim=-2,
    )
    return rows, (p0 * rows[..., 0, :]).sum(-1)


def _pixel_corners(
    vertices: Tensor, faces: Tensor, extrinsics: Tensor, intrinsics: Tensor
) -> Tensor:
    """Corners (N, F, 3, 3) as (pixel * depth, depth)."""
    camera = vertices @ extrinsics[:, :, :3].mT + extrinsics[:, None, :, 3]
    return (camera @ intrinsics.mT)[:, faces]


def _pixel_centres(height: int, width: int, like: Tensor) -> Tensor:
    y, x = torch.meshgrid(
        torch.arange(height).to(like) + 0.5,
        torch.arange(width).to(like) + 0.5,
        indexing="ij",
    )
    return torch.stack((x, y, torch.ones_like(x)), dim=-1)  # (H, W, 3)


def rasterize_meshes_torch(
    vertices: Tensor,
    faces: Tensor,
    extrinsics: Tensor,
    intrinsics: Tensor,
    height: int,
    width: int,
    near: float,
    far: float,
    cull_backfaces: bool,
    *,
    is_hole: Callable[[int, Tensor], Tensor] | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Finds first hits; see :func:`svr3d.ops.rasterize_meshes` for the arguments.

    ``is_hole`` tells for a face and corner weights (n, 3) which samples see through.

    Returns:
        ``face_index``, ``depth`` and ``barycentric``.
    """
    views = len(extrinsics)
    centres = _pixel_centres(height, width, vertices)
    corners = _pixel_corners(vertices, faces, extrinsics, intrinsics)
    closeness = vertices.new_zeros((views, height, width), dtype=torch.float32)
    face_index = torch.full_like(closeness, -1, dtype=torch.int64)
    for view in range(views):
        rows, determinant = _inverse_corners(corners[view])
        p0, p1, p2 = corners[view].abs().unbind(1)
        sizes = p1.roll(-1, -1) * p2.roll(1, -1) + p1.roll(1, -1) * p2.roll(-1, -1)
        scale = (p0 * sizes).sum(-1)
        for face in range(len(faces)):
            if not determinant[face].abs() > 1e-15 * scale[face]:
                continue
            if cull_backfaces and determinant[face] > 0:
                continue
            weights = centres @ (rows[face] / determinant[face]).mT
            near_by = weights.sum(-1).float()
            hit = (weights >= 0).all(-1) & (near_by > closeness[view])
            hit &= (near_by <= 1 / near) & (near_by >= 1 / far)
            if is_hole is not None and hit.any():
                inside = weights[hit] / weights[hit].sum(-1, keepdim=True)
                hit[hit.clone()] = ~is_hole(face, inside)
            closeness[view][hit] = near_by[hit]
            face_index[view][hit] = face
    depth, barycentric = interpolate_hits(
        face_index, faces, vertices, extrinsics, intrinsics
    )
    return face_index, depth, barycentric


def rasterize_mesh_batch_torch(
    vertices: Tensor,
    faces: Tensor,
    meshes: Tensor,
    mesh_index: Tensor,
    extrinsics: Tensor,
    intrinsics: Tensor,
    height: int,
    width: int,
    near: float,
    far: float,
    cull_backfaces: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Same contract as ``torch.ops.svr3d.rasterize_mesh_batch``; mesh by mesh."""
    shape = (len(extrinsics), height, width)
    face_index = torch.full(shape, -1, device=vertices.device)
    depth = torch.zeros(shape, device=vertices.device)
    barycentric = torch.zeros(*shape, 3, device=vertices.device)
    for mesh, span in enumerate(meshes.tolist()):
        first, size, face, count = span
        views = mesh_index == mesh
        found = rasterize_meshes_torch(
            vertices[first : first + size],
            faces[face : face + count],
            extrinsics[views],
            intrinsics[views],
            height,
            width,
            near,
            far,
            cull_backfaces,
        )
        face_index[views], depth[views], barycentric[views] = found
    return face_index, depth, barycentric


def interpolate_hits(
    face_index: Tensor,
    faces: Tensor,
    vertices: Tensor,
    extrinsics: Tensor,
    intrinsics: Tensor,
    *,
    starts: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Depth and corner weights of known hits, differentiable in the geometry.

    Args:
        face_index: (N, H, W) int64, -1 where there is no hit.
        faces: (F, 3) int64.
        vertices: (V, 3).
        extrinsics: (N, 3, 4).
        intrinsics: (N, 3, 3).
        starts: (N, 4) first vertex and first face, in columns 0 and 2, of the mesh
            that each view shows, where several meshes are packed.

    Returns:
        ``depth`` (N, H, W) and ``barycentric`` (N, H, W, 3), float32.
    """
    view, row, column = (face_index >= 0).nonzero(as_tuple=True)
    v, e, k = (t.double() for t in (vertices, extrinsics, intrinsics))
    if starts is None:
        hit_faces = faces[face_index[view, row, column]]
    else:
        hit_faces = faces[face_index[view, row, column] + starts[view, 2]]
        hit_faces = hit_faces + starts[view, 0, None]
    camera = (e[view, None, :, :3] @ v[hit_faces][..., None])[..., 0]
    corners = (camera + e[view, None, :, 3]) @ k[view].mT
    rows, determinant = _inverse_corners(corners)
    centres = torch.stack((column + 0.5, row + 0.5, torch.ones_like(row)), -1).to(v)
    weights = (rows @ centres[..., None])[..., 0] / determinant[:, None]
    z = 1 / weights.sum(-1)
    depth = v.new_zeros(face_index.shape).index_put((view, row, column), z)
    barycentric = v.new_zeros((*face_index.shape, 3))
    barycentric = barycentric.index_put((view, row, column), weights * z[:, None])
    return depth.float(), barycentric.float()
