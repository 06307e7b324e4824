# SPDX-License-Identifier: Apache-2.0
"""Images of point clouds seen from two angles."""

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.geometry.pose_camera import (
    CAMERA_DISTANCE,
    FOCAL_OVER_SIDE,
    project_to_pixels,
    turn_to_camera,
)
from svr3d.ops.splat_points import SplatImages, splat_points


@MODELS.register_module()
class PointRenderer(nn.Module):
    """Turns points to the camera, projects them, and draws what is asked for.

    Silhouettes move points across the image, colours along the viewing ray only; see
    :func:`svr3d.ops.splat_points`. It computes in float32 at least. Source: Navaneet et
    al., "From image collections to point clouds with self-supervised shape and pose
    networks" (2020).
    """

    def __init__(
        self,
        image_size: int = 64,
        *,
        sigma_sq: float = 0.4,
        well_radius: float = 1.0,
        beta: float = 100.0,
        distance: float = CAMERA_DISTANCE,
        focal_over_side: float = FOCAL_OVER_SIDE,
    ):
        """Set up the renderer.

        Args:
            image_size: Side of the images in pixels.
            sigma_sq: Variance of a point in the silhouette, in squared pixels.
            well_radius: Reach of a point's colour, in pixels.
            beta: Sharpness of the choice of the nearest point.
            distance: From the camera to the origin.
            focal_over_side: Focal length over the side of the image.
        """
        super().__init__()
        self.image_size = image_size
        self.sigma_sq, self.well_radius, self.beta = sigma_sq, well_radius, beta
        self.distance, self.focal_over_side = distance, focal_over_side

    def project(self, points: Tensor, poses: Tensor) -> Tensor:
        """Return where points fall on the image, (B, N, 3): row, column and depth.

        Centres of pixels are at whole numbers.

        Args:
            points: (B, N, 3).
            poses: (B, 2) azimuth and elevation in radians.
        """
        turned = turn_to_camera(points.float(), poses.float(), distance=self.distance)
        return project_to_pixels(
            turned, image_size=self.image_size, focal_over_side=self.focal_over_side
        )

    def forward(
        self,
        points: Tensor,
        poses: Tensor,
        features: Tensor | None = None,
        *,
        silhouette: bool = True,
        background_channel: bool = False,
    ) -> SplatImages:
        """Draw clouds.

        Args:
            points: (B, N, 3).
            poses: (B, 2) azimuth and elevation in radians.
            features: (B, N, F) such as colours or part probabilities.
            silhouette: Whether to draw silhouettes.
            background_channel: Whether a channel of what is no point comes first.

        Returns:
            ``silhouette`` (B, H, W); with features ``image`` (B, H, W, F) and
            ``foreground`` (B, H, W).

        Raises:
            ValueError: A shape is wrong.
        """
        # Silhouettes can be products of matrices, which autocast would take in half.
        with torch.autocast(points.device.type, enabled=False):
            return splat_points(
                self.project(points, poses),
                None if features is None else features.float(),
                image_size=self.image_size,
                silhouette=silhouette,
                sigma_sq=self.sigma_sq,
                well_radius=self.well_radius,
                beta=self.beta,
                background_channel=background_channel,
            )
