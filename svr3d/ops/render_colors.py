# SPDX-License-Identifier: Apache-2.0
"""Shaded colour images of a mesh in one fused pass."""

import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import check_cameras, check_faces, check_points, check_size
from svr3d.ops._torch.render_colors import render_colors_torch


def render_colors(
    vertices: Tensor,
    faces: Tensor,
    extrinsics: Tensor,
    intrinsics: Tensor,
    corner_colors: Tensor,
    corner_uv: Tensor,
    face_texture: Tensor,
    textures: list[Tensor],
    *,
    height: int,
    width: int,
    supersample: int,
    ambient: float,
    near: float = 1e-3,
) -> Tensor:
    """Renders N views of one mesh, lit by a lamp at the camera, with antialiasing.

    Each pixel averages ``supersample`` squared samples on a grid. A sample's colour
    is corner colour x texture x (ambient + (1 - ambient) abs(n . v)), with the face's
    normal n and the direction v to the camera, in the units of the colours (sRGB is
    not linearised). Texels with alpha below one half are holes; other transparency is
    drawn opaque. Texture look-ups are bilinear and wrap around.

    Args:
        vertices: (V, 3) positions in the object frame.
        faces: (F, 3) vertex indices.
        extrinsics: (N, 3, 4) object-to-camera, OpenCV axes.
        intrinsics: (N, 3, 3) in pixels of the final image.
        corner_colors: (F, 3, 4) float32 RGBA, 0 to 255; alpha is not used.
        corner_uv: (F, 3, 2) float32, (0, 0) at the lower left of the texture.
        face_texture: (F,) int64 index into ``textures``, -1 for none.
        textures: (h, w, 4) uint8 RGBA images, first row on top.
        height: Rows of the images, in pixels.
        width: Columns of the images, in pixels.
        supersample: Samples per pixel along each axis.
        ambient: Share of light that does not depend on the angle, 0 to 1.
        near: Nearest depth that is drawn, positive.

    Returns:
        (N, H, W, 4) uint8 RGBA, straight alpha: the share of samples that hit.

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If an argument's shape, range or content is wrong.
    """
    vertices = check_points(vertices, "vertices").detach().double()
    faces = check_faces(faces, vertices)
    extrinsics, intrinsics = check_cameras(extrinsics, intrinsics, vertices)
    height = check_size(height, "height", high=1 << 14)
    width = check_size(width, "width", high=1 << 14)
    supersample = check_size(supersample, "supersample", high=16)
    if not 0 <= ambient <= 1:
        raise ValueError(f"ambient: expected 0 to 1, found {ambient}")
    if not near > 0:
        raise ValueError(f"near: expected a positive depth, found {near}")
    for tensor, name, shape in (
        (corner_colors, "corner_colors", (len(faces), 3, 4)),
        (corner_uv, "corner_uv", (len(faces), 3, 2)),
        (face_texture, "face_texture", (len(faces),)),
    ):
        if tuple(tensor.shape) != shape:
            raise ValueError(
                f"{name}: expected shape {shape}, found {tuple(tensor.shape)}"
            )
    for index, texture in enumerate(textures):
        shape = tuple(texture.shape)
        if len(shape) != 3 or shape[2] != 4 or 0 in shape:
            raise ValueError(
                f"textures[{index}]: expected shape (h, w, 4), found {shape}"
            )
    if len(faces) and int(face_texture.max()) >= len(textures):
        raise ValueError(
            f"face_texture: expected indices below {len(textures)} (there are "
            f"{len(textures)} textures), found {int(face_texture.max())}"
        )
    sizes = torch.tensor([t.shape[:2] for t in textures], dtype=torch.int64)
    texels = [t.reshape(-1, 4) for t in textures]
    run = render_colors_torch
    if vertices.is_cpu and _library.available():
        run = torch.ops.svr3d.render_colors
    return run(
        vertices,
        faces,
        extrinsics.detach().double(),
        intrinsics.detach().double(),
        corner_colors.float(),
        corner_uv.float(),
        face_texture.long(),
        torch.cat(texels) if texels else torch.empty((0, 4), dtype=torch.uint8),
        sizes.reshape(-1, 2),
        height,
        width,
        supersample,
        float(ambient),
        float(near),
    )


def _fake(
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
    shape = (extrinsics.shape[0], height, width, 4)
    return vertices.new_empty(shape, dtype=torch.uint8)


if _library.load():
    torch.library.register_fake("svr3d::render_colors", _fake)
