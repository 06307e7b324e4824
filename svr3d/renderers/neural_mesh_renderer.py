# SPDX-License-Identifier: Apache-2.0
"""The neural mesh renderer as a part: silhouettes, depths and colours of meshes."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.registry import MODELS
from torch import Tensor

from svr3d.ops.neural_rasterize import NeuralImages, neural_rasterize
from svr3d.renderers.mesh_renderer import MeshRenderer, to_renderer_world
from svr3d.renderers.mesh_views import MeshViews
from svr3d.renderers.neural_lighting import light_textures


@MODELS.register_module()
class NeuralMeshRenderer(MeshRenderer):
    """Draws meshes hard, with the hand-made gradient of the neural mesh renderer.

    Vertices are those of the object frame. Source: Kato et al., "Neural 3D Mesh
    Renderer" (2018), as its PyTorch port daniilidis-group/neural_renderer computes it,
    and ``Mesh_Renderer`` in models.py of bomb2peng/learn3D for the cameras.
    """

    def __init__(
        self,
        image_size: int = 64,
        *,
        camera: str = "look_at",
        half_angle: float = 15.0,
        anti_aliasing: bool = True,
        near: float = 0.1,
        far: float = 100.0,
        eps: float = 1e-4,
        color_eps: float = 1e-3,
    ):
        """Set up the renderer.

        Args:
            image_size: Side S of the images in pixels.
            camera: 'look_at' or 'orthographic'; see :class:`MeshRenderer`.
            half_angle: Half the field of view of ``look_at``, in degrees: 15 for the
                images of Kato et al., 14.9314 for those of LSM (NIPS 2017).
            anti_aliasing: Draw at twice the size and average 2 x 2 pixels.
            near: Depth up to which nothing is drawn.
            far: Depth from which on nothing is drawn.
            eps: Added to the distances that gains of silhouettes are divided by.
            color_eps: The same for colours.

        Raises:
            ValueError: If the camera is unknown or the angle out of range.
        """
        super().__init__(image_size, camera=camera, half_angle=half_angle)
        self.anti_aliasing, self.near, self.far = anti_aliasing, near, far
        self.eps, self.color_eps = eps, color_eps

    def forward(self, vertices: Tensor, faces: Tensor, views: MeshViews) -> Tensor:
        """Draw silhouettes.

        Args:
            vertices: (B, N, 3) in the object frame.
            faces: (F, 3) shared by all meshes, or (B, F, 3); seen from both sides.
            views: Views of B meshes.

        Returns:
            (B, V, S, S) in [0, 1], row 0 on top.

        Raises:
            ValueError: If views and meshes do not fit.
        """
        return self._draw(vertices, faces, views).alpha.unflatten(0, views.shape)

    def render_depth(self, vertices: Tensor, faces: Tensor, views: MeshViews) -> Tensor:
        """Draw depths, whose gradient is exact.

        Args:
            vertices: (B, N, 3) in the object frame.
            faces: (F, 3) or (B, F, 3).
            views: Views of B meshes.

        Returns:
            (B, V, S, S), ``far`` where there is nothing.

        Raises:
            ValueError: If views and meshes do not fit.
        """
        return self._draw(vertices, faces, views).depth.unflatten(0, views.shape)

    def render_colors(
        self,
        vertices: Tensor,
        faces: Tensor,
        textures: Tensor,
        views: MeshViews,
        *,
        light: Mapping[str, Any] | None = None,
        background: Sequence[float] = (0.0, 0.0, 0.0),
    ) -> Tensor:
        """Draw faces with textures and lights.

        Args:
            vertices: (B, N, 3) in the object frame.
            faces: (F, 3) or (B, F, 3), counter-clockwise as seen from outside; seen
                from inside they are lit from the other side.
            textures: (B, F, T, T, T, 3) colour cubes, one axis for each corner; see
                :mod:`svr3d.geometry.texture_cubes`.
            views: Views of B meshes.
            light: Arguments of :func:`svr3d.renderers.neural_lighting.light_textures`,
                with ``direction`` in the object frame; None for its defaults, half
                ambient and half from above.
            background: Red, green and blue where there is no face.

        Returns:
            (B, V, 3, S, S), row 0 on top.

        Raises:
            ValueError: If views, meshes and textures do not fit.
        """
        image = self.project(vertices, views)
        world = to_renderer_world(vertices.to(image.dtype))
        faces = faces if faces.ndim == 3 else faces.expand(len(vertices), -1, -1)
        if textures.shape[:2] != faces.shape[:2] or textures.ndim != 6:
            raise ValueError(
                f"textures: expected shape ({', '.join(map(str, faces.shape[:2]))}, "
                f"T, T, T, 3), found {tuple(textures.shape)}"
            )
        # Copies with their corners reversed, which are lit as the other side.
        faces = torch.cat([faces, faces.flip(2)], dim=1).long()
        textures = torch.cat([textures, textures.permute(0, 1, 4, 3, 2, 5)], dim=1)
        options = dict(light or {})
        if "direction" in options:
            x, y, z = options["direction"]
            options["direction"] = (x, y, -z)
        rows = torch.arange(len(faces), device=faces.device)[:, None, None]
        lit = light_textures(world[rows, faces], textures.to(world), **options)
        count = views.shape[1]
        drawn = neural_rasterize(
            image,
            self.view_faces(faces, views),
            lit.repeat_interleave(count, dim=0),
            image_size=self.image_size,
            anti_aliasing=self.anti_aliasing,
            fill_back=False,
            near=self.near,
            far=self.far,
            eps=self.color_eps,
            background=background,
        )
        return drawn.rgb.unflatten(0, views.shape)

    def _draw(self, vertices: Tensor, faces: Tensor, views: MeshViews) -> NeuralImages:
        return neural_rasterize(
            self.project(vertices, views),
            self.view_faces(faces, views),
            image_size=self.image_size,
            anti_aliasing=self.anti_aliasing,
            near=self.near,
            far=self.far,
            eps=self.eps,
        )
