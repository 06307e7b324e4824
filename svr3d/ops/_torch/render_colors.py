# SPDX-License-Identifier: Apache-2.0
"""Colour rendering in torch: rasterise at the sample grid, shade, average."""

import torch
from torch import Tensor

from svr3d.ops._torch.rasterize_meshes import rasterize_meshes_torch

_HOLE = 128  # texels below this alpha are holes


def sample_texture(texture: Tensor, uv: Tensor) -> Tensor:
    """Looks colours up bilinearly, with wrap-around.

    Args:
        texture: (h, w, 4) float RGBA, first row on top.
        uv: (n, 2), (0, 0) at the lower left corner.

    Returns:
        (n, 4) in the units of ``texture``.
    """
    height, width = texture.shape[:2]
    uv = uv - uv.floor()
    x, y = uv[:, 0] * width - 0.5, (1 - uv[:, 1]) * height - 0.5
    x0, y0 = x.floor(), y.floor()
    fx, fy = (x - x0)[:, None], (y - y0)[:, None]
    columns = [(x0.long() + i) % width for i in (0, 1)]
    rows = [(y0.long() + i) % height for i in (0, 1)]
    top = torch.lerp(texture[rows[0], columns[0]], texture[rows[0], columns[1]], fx)
    low = torch.lerp(texture[rows[1], columns[0]], texture[rows[1], columns[1]], fx)
    return torch.lerp(top, low, fy)


def render_colors_torch(
    vertices: Tensor,
    faces: Tensor,
    extrinsics: Tensor,
    intrinsics: Tensor,
    corner_colors: Tensor,
    corner_uv: Tensor,
    face_texture: Tensor,
    texels: Tensor,
    texture_sizes: Tensor,
    height: int,
    width: int,
    supersample: int,
    ambient: float,
    near: float,
) -> Tensor:
    """Renders views; see :func:`svr3d.ops.render_colors.render_colors`.

    Returns:
        (N, H, W, 4) uint8.
    """
    scale = intrinsics.new_tensor([supersample, supersample, 1.0])[:, None]
    size = (height * supersample, width * supersample)
    textures, start = [], 0
    for rows, columns in texture_sizes.tolist():
        texture = texels[start : start + rows * columns].float()
        textures.append(texture.reshape(rows, columns, 4))
        start += rows * columns

    def look_up(hit_faces: Tensor, weights: Tensor) -> Tensor:
        """Texture colours (n, 4) of hits; white where a face has none."""
        colors = corner_colors.new_full((len(hit_faces), 4), 255.0)
        uv = (weights.float()[..., None] * corner_uv[hit_faces]).sum(1)
        for index, texture in enumerate(textures):
            chosen = face_texture[hit_faces] == index
            colors[chosen] = sample_texture(texture, uv[chosen])
        return colors

    def is_hole(face: int, weights: Tensor) -> Tensor:
        index = int(face_texture[face])
        if index < 0:
            return weights.new_zeros(len(weights), dtype=torch.bool)
        hit_faces = torch.full((len(weights),), face)
        return look_up(hit_faces, weights)[:, 3] < _HOLE

    face_index, _, barycentric = rasterize_meshes_torch(
        vertices,
        faces,
        extrinsics,
        intrinsics * scale,
        *size,
        near,
        float("inf"),
        False,
        is_hole=is_hole if textures else None,
    )
    hit = face_index >= 0
    view = hit.nonzero(as_tuple=True)[0]
    hit_faces, weights = face_index[hit], barycentric[hit]
    corners = vertices[faces[hit_faces]]
    color = (weights[..., None] * corner_colors[hit_faces]).sum(1)
    color = color * look_up(hit_faces, weights) / 255
    rotation, shift = extrinsics[:, :, :3], extrinsics[:, :, 3:]
    eyes = -torch.linalg.solve(rotation, shift)[..., 0]
    to_eye = eyes[view] - (weights[..., None].double() * corners).sum(1)
    normals = torch.linalg.cross(
        corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    )
    cosine = torch.cosine_similarity(normals, to_eye, dim=-1, eps=1e-300).abs()
    light = ambient + (1 - ambient) * cosine.clamp(max=1).float()

    def average(values: Tensor) -> Tensor:
        shape = (-1, height, supersample, width, supersample, values.shape[-1])
        return values.reshape(shape).sum((2, 4))

    image = corner_colors.new_zeros((*face_index.shape, 3))
    image[hit] = color[:, :3] * light[:, None]
    count = average(hit[..., None].float())
    image = average(image) / count.clamp(min=1)
    alpha = 255 * count / supersample**2
    result = torch.cat((image, alpha), dim=-1)
    return (result + 0.5).clamp(0, 255).to(torch.uint8)
