# SPDX-License-Identifier: Apache-2.0
"""What renderers of meshes share: from the object frame to the image."""

import torch
from torch import Tensor, nn

from svr3d.renderers.mesh_views import MeshViews
from svr3d.renderers.neural_cameras import look_at, perspective, points_from_angles

_CAMERAS = ("look_at", "orthographic")
# Depth of the object's centre before the orthographic camera.
_ORTHOGRAPHIC_DEPTH = 1 + 1e-5


def to_renderer_world(vertices: Tensor) -> Tensor:
    """Negate z: the renderer's world is left-handed, the object frame right-handed.

    Args:
        vertices: (..., 3) in either; the other one's are returned.
    """
    return vertices * vertices.new_tensor([1.0, 1.0, -1.0])


class MeshRenderer(nn.Module):
    """Projects meshes by the cameras of the neural mesh renderer.

    ``look_at`` sees them in perspective from ``MeshViews.angles``. ``orthographic``
    turns them by ``MeshViews.rotations`` and mirrors x, as models of Pascal3D+ are
    trained: what lies more than 0.9 before the centre is not drawn.
    """

    def __init__(
        self, image_size: int = 64, *, camera: str = "look_at", half_angle: float = 15.0
    ):
        """Set up the camera.

        Args:
            image_size: Side S of the images in pixels.
            camera: 'look_at' or 'orthographic'.
            half_angle: Half the field of view of ``look_at``, in degrees.

        Raises:
            ValueError: If the camera is unknown or the angle out of range.
        """
        super().__init__()
        if camera not in _CAMERAS:
            raise ValueError(f"camera: expected one of {_CAMERAS}, found {camera!r}")
        if not 0 < half_angle < 90:
            raise ValueError(
                f"half_angle: expected between 0 and 90 degrees, found {half_angle}"
            )
        self.image_size, self.camera, self.half_angle = image_size, camera, half_angle

    def project(self, vertices: Tensor, views: MeshViews) -> Tensor:
        """Project each mesh into its views.

        Args:
            vertices: (B, N, 3) in the object frame.
            views: Views of B meshes.

        Returns:
            (B V, N, 3) image coordinates, x right and y up from -1 to 1, and depth;
            float32 at least.

        Raises:
            ValueError: If the views are of other meshes, or lack what the camera
                takes.
        """
        needed = "angles" if self.camera == "look_at" else "rotations"
        given = getattr(views, needed)
        if given is None:
            raise ValueError(
                f"{type(self).__name__}: expected views with {needed} (camera="
                f"{self.camera!r}), found none"
            )
        if len(given) != len(vertices):
            raise ValueError(
                f"views: expected those of {len(vertices)} meshes, found {len(given)}"
            )
        # Cameras would lose pixels in half precision.
        with torch.autocast(vertices.device.type, enabled=False):
            vertices = vertices.to(torch.promote_types(vertices.dtype, torch.float32))
            world = _for_each_view(to_renderer_world(vertices), given.shape[1])
            given = given.to(world).flatten(0, 1)
            if self.camera == "look_at":
                azimuth, elevation, distance = given.unbind(-1)
                eye = points_from_angles(distance, elevation, azimuth)
                return perspective(look_at(world, eye), self.half_angle)
            mirror = given.new_tensor([[-1.0], [1.0], [1.0]])
            turned = world @ (mirror * given).mT
            return turned + turned.new_tensor([0.0, 0.0, _ORTHOGRAPHIC_DEPTH])

    def view_faces(self, faces: Tensor, views: MeshViews) -> Tensor:
        """Return faces for what :meth:`project` returns.

        Args:
            faces: (F, 3) shared by all meshes, or (B, F, 3).
            views: Views of B meshes.

        Returns:
            (F, 3) or (B V, F, 3).
        """
        return faces if faces.ndim == 2 else _for_each_view(faces, views.shape[1])


def _for_each_view(values: Tensor, count: int) -> Tensor:
    """Return each mesh's values (B, N, 3) so many times, (B count, N, 3)."""
    if count == 1:
        return values
    return values[:, None].expand(-1, count, -1, -1).flatten(0, 1)
