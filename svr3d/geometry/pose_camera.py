# SPDX-License-Identifier: Apache-2.0
"""The camera of self-supervised point clouds, which a network's two angles turn.

It looks along -z at the origin from distance 2. Rows run along x and columns along y of
its frame, pixel centres lie at integers, and the principal point of an image of side S
at S / 2. Source: klnavaneet/ssl_3d_recon ``src/utils/tf_projection.py`` (Navaneet et
al., "From image collections to point clouds with self-supervised shape and pose
networks", 2020).
"""

import math

import torch
from torch import Tensor

from svr3d.geometry.rotations import rotation_about

CAMERA_DISTANCE = 2.0
"""From the camera to the origin, in units of the points."""

FOCAL_OVER_SIDE = 60.0 / 32.0
"""Focal length over the side of the image: a lens of 60 mm, a sensor of 32 mm."""


def turn_to_camera(
    points: Tensor, poses: Tensor, *, distance: float = CAMERA_DISTANCE
) -> Tensor:
    """Turns points into the frame of the camera.

    Args:
        points: (B, N, 3).
        poses: (B, 2) azimuth (about x, first) and elevation (about y) in radians.
        distance: From the camera to the origin.

    Returns:
        (B, N, 3); points in front of the camera have negative z.

    Raises:
        ValueError: A shape is wrong.
    """
    if points.ndim != 3 or points.shape[2] != 3:
        raise ValueError(f"points: expected (B, N, 3), found {tuple(points.shape)}")
    if poses.shape != (len(points), 2):
        raise ValueError(
            f"poses: expected ({len(points)}, 2), found {tuple(poses.shape)}"
        )
    azimuth, elevation = poses[:, :1], poses[:, 1:]
    x, y, z = points.unbind(-1)
    y, z = (
        azimuth.cos() * y - azimuth.sin() * z,
        azimuth.sin() * y + azimuth.cos() * z,
    )
    x, z = (
        elevation.cos() * x + elevation.sin() * z,
        elevation.cos() * z - elevation.sin() * x,
    )
    return torch.stack([x, y, z - distance], dim=-1)


def project_to_pixels(
    points: Tensor, *, image_size: int = 64, focal_over_side: float = FOCAL_OVER_SIDE
) -> Tensor:
    """Projects points of the camera's frame.

    A point behind the camera is mirrored, not dropped, as in the program.

    Args:
        points: (..., 3) of :func:`turn_to_camera`.
        image_size: Side of the image in pixels, S.
        focal_over_side: Focal length over the side of the image.

    Returns:
        (..., 3): row, column and distance along the view axis, as
        :func:`svr3d.ops.splat_points` takes them.
    """
    x, y, z = points.unbind(-1)
    depth = z.abs()
    focal, centre = focal_over_side * image_size, image_size / 2
    row = (focal * x - centre * z) / depth
    column = (focal * y - centre * z) / depth
    return torch.stack([row, column, depth], dim=-1)


def spread_poses(
    numbers: Tensor,
    *,
    azimuths: tuple[float, float] = (-180.0, 180.0),
    elevations: tuple[float, float] = (-20.0, 40.0),
) -> Tensor:
    """Makes poses of numbers between 0 and 1, as random ones are drawn.

    Args:
        numbers: (..., 2) in [0, 1).
        azimuths: Lowest and highest azimuth in degrees.
        elevations: Lowest and highest elevation in degrees.

    Returns:
        (..., 2) azimuth and elevation in radians.
    """
    limits = (azimuths, elevations)
    lows = numbers.new_tensor([math.radians(low) for low, _ in limits])
    spans = numbers.new_tensor([math.radians(high - low) for low, high in limits])
    return spans * numbers + lows


def to_pose_axes(points: Tensor) -> Tensor:
    """Returns points of ShapeNet's axes (y up) in those that true poses turn.

    ``(x, y, z) -> (-y, -z, x)``: with azimuth and elevation of the DRC renderings the
    camera of this module then sees the object as they show it. Clouds of a network
    that never saw a pose lie in these axes up to a rotation of its own.

    Args:
        points: (..., 3).
    """
    x, y, z = points.unbind(-1)
    return torch.stack([-y, -z, x], dim=-1)


def from_pose_axes(points: Tensor) -> Tensor:
    """Returns points of the axes that true poses turn in ShapeNet's (y up).

    The inverse of :func:`to_pose_axes`; what ``--rotate`` of the published evaluation
    does.

    Args:
        points: (..., 3).
    """
    x, y, z = points.unbind(-1)
    return torch.stack([z, -x, -y], dim=-1)


def pose_rotation(angles: Tensor) -> Tensor:
    """Returns rotations for column vectors: azimuth first, elevation, then tilt.

    ``pose_rotation(poses) @ p`` is what :func:`turn_to_camera` does before it moves the
    points. The third angle, about the view axis, is that of the published alignment
    (``align_pcl_transform.py``).

    Args:
        angles: (..., 2) azimuth and elevation, or (..., 3) with a tilt; radians.

    Returns:
        (..., 3, 3).

    Raises:
        ValueError: The last axis is wrong.
    """
    if angles.shape[-1] not in (2, 3):
        raise ValueError(
            f"angles: expected (..., 2) or (..., 3), found {tuple(angles.shape)}"
        )
    axes = torch.eye(3, dtype=angles.dtype, device=angles.device)
    turns = [
        rotation_about(axes[axis].expand(*angles.shape[:-1], 3), angles[..., axis])
        for axis in range(angles.shape[-1])
    ]
    rotation = turns[1] @ turns[0]
    return turns[2] @ rotation if len(turns) == 3 else rotation
