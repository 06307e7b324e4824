# SPDX-License-Identifier: Apache-2.0
"""Colour images of meshes: antialiased, with alpha, lit by a lamp at the camera."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from svr3d.io.mesh_data import MeshData
from svr3d.ops import rasterize_meshes
from svr3d.ops.render_colors import render_colors

_UNPAINTED = (186, 186, 186, 255)  # meshes without any colour


class ColorRenderer:
    """Renders meshes as a data set shows them: the object alone, on nothing.

    Faces are flat-shaded from both sides by ambient + (1 - ambient) abs(n . v), so that
    faces turned the wrong way look like the others. Edges are smoothed by averaging
    ``supersample`` squared samples per pixel.
    """

    def __init__(
        self,
        height: int,
        width: int,
        *,
        supersample: int = 4,
        ambient: float = 0.35,
        background: Sequence[int] | None = None,
        near: float = 1e-3,
    ):
        """Prepares a renderer.

        Args:
            height: Rows of the images, in pixels.
            width: Columns of the images, in pixels.
            supersample: Samples per pixel along each axis, 1 to 16.
            ambient: Share of light that does not depend on the angle, 0 to 1.
            background: RGB, 0 to 255, under the object; the images are then opaque.
                None leaves them transparent.
            near: Nearest depth that is drawn, in the units of the mesh.

        Raises:
            ValueError: If ``background`` is no RGB colour.
        """
        if background is not None and (
            len(background) != 3 or not all(0 <= c <= 255 for c in background)
        ):
            raise ValueError(
                f"background: expected three numbers 0 to 255, found {background!r}"
            )
        self.height = height
        self.width = width
        self.supersample = supersample
        self.ambient = ambient
        self.background = background
        self.near = near

    def render(
        self,
        mesh: MeshData,
        extrinsics: np.ndarray | Tensor,
        intrinsics: np.ndarray | Tensor,
    ) -> np.ndarray:
        """Renders N views of one mesh.

        Args:
            mesh: Geometry and colours.
            extrinsics: (N, 3, 4) object-to-camera, OpenCV axes.
            intrinsics: (N, 3, 3) in pixels.

        Returns:
            (N, H, W, 4) uint8 RGBA with straight alpha.

        Raises:
            TypeError: If a camera's type or dtype is wrong.
            ValueError: If a shape, an index or a number is wrong.
        """
        uv = mesh.uv
        if uv is None:
            uv = np.zeros((len(mesh.faces), 3, 2), dtype=np.float32)
        textures = [np.ascontiguousarray(texture) for texture in mesh.textures]
        images = render_colors(
            torch.from_numpy(np.ascontiguousarray(mesh.vertices)),
            torch.from_numpy(np.ascontiguousarray(mesh.faces)),
            torch.as_tensor(extrinsics),
            torch.as_tensor(intrinsics),
            torch.from_numpy(corner_colors(mesh)),
            torch.from_numpy(np.ascontiguousarray(uv)),
            torch.from_numpy(np.ascontiguousarray(mesh.face_texture)),
            [torch.from_numpy(texture) for texture in textures],
            height=self.height,
            width=self.width,
            supersample=self.supersample,
            ambient=self.ambient,
            near=self.near,
        ).numpy()
        if self.background is None:
            return images
        return composite(images, self.background)

    def render_depth(
        self,
        mesh: MeshData,
        extrinsics: np.ndarray | Tensor,
        intrinsics: np.ndarray | Tensor,
    ) -> np.ndarray:
        """Renders depths at pixel centres, without antialiasing.

        Args:
            mesh: The geometry; holes in textures do not count here.
            extrinsics: (N, 3, 4) object-to-camera, OpenCV axes.
            intrinsics: (N, 3, 3) in pixels.

        Returns:
            (N, H, W) float32 along the camera's z axis, 0 where nothing is hit.

        Raises:
            TypeError: If a camera's type or dtype is wrong.
            ValueError: If a shape, an index or a number is wrong.
        """
        fragments = rasterize_meshes(
            mesh.vertices,
            mesh.faces,
            torch.as_tensor(extrinsics),
            torch.as_tensor(intrinsics),
            height=self.height,
            width=self.width,
            near=self.near,
        )
        return fragments.depth.numpy()

    def render_silhouette(
        self,
        mesh: MeshData,
        extrinsics: np.ndarray | Tensor,
        intrinsics: np.ndarray | Tensor,
    ) -> np.ndarray:
        """Renders the covered share of each pixel.

        Args:
            mesh: Geometry and colours.
            extrinsics: (N, 3, 4) object-to-camera, OpenCV axes.
            intrinsics: (N, 3, 3) in pixels.

        Returns:
            (N, H, W) float32 in [0, 1].

        Raises:
            TypeError: If a camera's type or dtype is wrong.
            ValueError: If a shape, an index or a number is wrong.
        """
        plain = ColorRenderer(
            self.height, self.width, supersample=self.supersample, near=self.near
        )
        alpha = plain.render(mesh, extrinsics, intrinsics)[..., 3]
        return alpha.astype(np.float32) / 255


def corner_colors(mesh: MeshData) -> np.ndarray:
    """Colours of each face corner, before its texture.

    Args:
        mesh: Geometry and colours. Textured faces take the texture's colour alone;
            others the product of vertex and face colour; grey if there is neither.

    Returns:
        (F, 3, 4) float32 RGBA, 0 to 255.
    """
    colors = np.empty((len(mesh.faces), 3, 4), dtype=np.float32)
    if mesh.face_colors is None and mesh.vertex_colors is None:
        colors[:] = _UNPAINTED
    else:
        colors[:] = 255
        if mesh.face_colors is not None:
            colors *= np.asarray(mesh.face_colors, np.float32)[:, None] / 255
        if mesh.vertex_colors is not None:
            colors *= np.asarray(mesh.vertex_colors, np.float32)[mesh.faces] / 255
    colors[np.asarray(mesh.face_texture) >= 0] = 255
    return colors


def composite(images: np.ndarray, background: Sequence[int]) -> np.ndarray:
    """Lays images with straight alpha over a plain colour.

    Args:
        images: (..., 4) uint8 RGBA.
        background: RGB, 0 to 255.

    Returns:
        (..., 4) uint8 RGBA, opaque.
    """
    alpha = images[..., 3:].astype(np.float32) / 255
    under = np.asarray(background, dtype=np.float32)
    result = np.full_like(images, 255)
    result[..., :3] = images[..., :3] * alpha + under * (1 - alpha) + 0.5
    return result
