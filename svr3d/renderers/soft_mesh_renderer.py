# SPDX-License-Identifier: Apache-2.0
"""The soft rasteriser as a part, in place of the neural mesh renderer."""

from mmengine.registry import MODELS
from torch import Tensor
from torch.nn.functional import avg_pool2d

from svr3d.ops.soft_silhouette import soft_silhouette
from svr3d.renderers.mesh_renderer import MeshRenderer
from svr3d.renderers.mesh_views import MeshViews


@MODELS.register_module()
class SoftMeshRenderer(MeshRenderer):
    """Draws how likely meshes cover each pixel, with the exact gradient of that.

    Vertices are those of the object frame; cameras are those of
    :class:`~svr3d.renderers.mesh_renderer.MeshRenderer`. Every pixel near an edge pulls
    it, where the neural mesh renderer pulls edges from afar. Depth plays no part.
    Source: Liu et al., "Soft Rasterizer: A Differentiable Renderer for Image-based 3D
    Reasoning" (2019).
    """

    def __init__(
        self,
        image_size: int = 64,
        *,
        camera: str = "look_at",
        half_angle: float = 15.0,
        anti_aliasing: bool = False,
        sigma: float = 1e-4,
        dist_eps: float = 1e-10,
    ):
        """Set up the renderer.

        Args:
            image_size: Side S of the images in pixels.
            camera: 'look_at' or 'orthographic'.
            half_angle: Half the field of view of ``look_at``, in degrees.
            anti_aliasing: Draw at twice the size and average 2 x 2 pixels.
            sigma: Blur, a squared distance where the image has side 2.
            dist_eps: Probability below which a face is not seen from outside.

        Raises:
            ValueError: If the camera is unknown or the angle out of range.
        """
        super().__init__(image_size, camera=camera, half_angle=half_angle)
        self.anti_aliasing, self.sigma, self.dist_eps = anti_aliasing, sigma, dist_eps

    def forward(self, vertices: Tensor, faces: Tensor, views: MeshViews) -> Tensor:
        """Draw silhouettes.

        Args:
            vertices: (B, N, 3) in the object frame.
            faces: (F, 3) shared by all meshes, or (B, F, 3).
            views: Views of B meshes.

        Returns:
            (B, V, S, S) in [0, 1], row 0 on top.

        Raises:
            ValueError: If views and meshes do not fit.
        """
        drawn = soft_silhouette(
            self.project(vertices, views),
            self.view_faces(faces, views),
            image_size=self.image_size * (2 if self.anti_aliasing else 1),
            sigma=self.sigma,
            dist_eps=self.dist_eps,
        ).unflatten(0, views.shape)
        return avg_pool2d(drawn, 2) if self.anti_aliasing else drawn
