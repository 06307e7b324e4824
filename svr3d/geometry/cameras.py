# SPDX-License-Identifier: Apache-2.0
"""Pinhole cameras: Choy's rendering camera, projection, and what edits do to them.

Extrinsics (..., 3, 4) map points to the camera, ``x_cam = R x + t``, with OpenCV axes:
x right, y down, z forward. Intrinsics (..., 3, 3) are in pixels and pixel centres lie
at half-integers, so an image of width W covers ``[0, W]``.
"""

import math

import torch
from torch import Tensor

CHOY_MAX_DISTANCE = 1.75
"""Camera distance at ratio 1, in diagonals of the mesh's bounding box."""

CHOY_IMAGE_SIZE = 137
"""Side of the published renderings in pixels."""

CHOY_NUM_VIEWS = 24
"""Published renderings of each model."""

_FOCAL_OVER_WIDTH = 35.0 / 32.0
_DRC_FOCAL_OVER_WIDTH = 60.0 / 32.0

NMR_VIEWING_ANGLE = 15.0
"""Half the field of view of the neural mesh renderer's data, in degrees."""

NMR_ELEVATION, NMR_DISTANCE = 30.0, 2.732


def choy_camera(
    metadata: Tensor, *, height: int = CHOY_IMAGE_SIZE, width: int = CHOY_IMAGE_SIZE
) -> tuple[Tensor, Tensor]:
    """Return the cameras of the renderings that 3D-R2N2 published.

    With distance ``d = 1.75 ratio``, azimuth a and elevation e the camera centre is
    ``d (cos e cos a, sin e, cos e sin a)``; it looks at the origin with +y up. The lens
    is 35 mm on a 32 mm sensor: the field of view in the metadata is not applied.
    Source: chrischoy/3D-R2N2 ``lib/blender_renderer.py``.

    Args:
        metadata: Rows (N, 5) of azimuth and elevation (degrees), in-plane rotation
            (always 0, must be so), distance ratio, field of view (unused).
        height: Image height in pixels.
        width: Image width in pixels.

    Returns:
        Extrinsics (N, 3, 4) in the frame of the mesh file (y up, bounding box diagonal
        1, centred) and intrinsics (N, 3, 3).

    Raises:
        ValueError: If the metadata is not (N, 5), or an in-plane rotation is not 0.
    """
    metadata = torch.as_tensor(metadata)
    if metadata.ndim != 2 or metadata.shape[1] != 5:
        raise ValueError(f"metadata must be (N, 5), found {tuple(metadata.shape)}")
    if bool((metadata[:, 2] != 0).any()):
        raise ValueError(
            f"in-plane rotations must be 0, found {metadata[:, 2].tolist()}"
        )
    extrinsics = orbit_camera(
        metadata[:, 0], metadata[:, 1], CHOY_MAX_DISTANCE * metadata[:, 3]
    )
    intrinsics = choy_intrinsics(height=height, width=width).to(metadata.dtype)
    return extrinsics, intrinsics.expand(len(metadata), 3, 3).clone()


def choy_intrinsics(
    *, height: int = CHOY_IMAGE_SIZE, width: int = CHOY_IMAGE_SIZE
) -> Tensor:
    """Return the pixel intrinsics (3, 3), float64, of Choy's lens for an image size.

    Args:
        height: Image height in pixels.
        width: Image width in pixels; the longer side sees the whole sensor.
    """
    focal = _FOCAL_OVER_WIDTH * max(height, width)
    return torch.tensor(
        [[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]],
        dtype=torch.float64,
    )


def drc_camera(
    views: Tensor, *, height: int = 64, width: int = 64
) -> tuple[Tensor, Tensor]:
    """Return the cameras of DRC's renderings.

    They look at the origin from distance d with +y up; the centre is ``d (cos e cos a,
    sin e, -cos e sin a)``: azimuth goes from +x towards -z, the other way than in
    :func:`choy_camera`. The lens is 60 mm on a 32 mm sensor. Source: shubhtuls/drc
    ``preprocess``.

    Args:
        views: Rows (N, 4) of ``view.txt``: azimuth and elevation (degrees), in-plane
            rotation (must be 0), distance.
        height: Image height in pixels.
        width: Image width in pixels; the longer side sees the whole sensor.

    Returns:
        Extrinsics (N, 3, 4) in the frame of the mesh file (y up, bounding box diagonal
        1, centred) and intrinsics (N, 3, 3).

    Raises:
        ValueError: If the rows are not (N, 4), or an in-plane rotation is not 0.
    """
    views = torch.as_tensor(views)
    if views.ndim != 2 or views.shape[1] != 4:
        raise ValueError(f"views must be (N, 4), found {tuple(views.shape)}")
    if bool((views[:, 2] != 0).any()):
        raise ValueError(f"in-plane rotations must be 0, found {views[:, 2].tolist()}")
    intrinsics = choy_intrinsics(height=height, width=width).to(views.dtype)
    intrinsics[[0, 1], [0, 1]] *= _DRC_FOCAL_OVER_WIDTH / _FOCAL_OVER_WIDTH
    extrinsics = orbit_camera(-views[:, 0], views[:, 1], views[:, 3])
    return extrinsics, intrinsics.expand(len(views), 3, 3).clone()


def nmr_view_angles(num_views: int) -> Tensor:
    """Return where the cameras of the neural mesh renderer's data stand.

    Source: Kato et al., "Neural 3D Mesh Renderer", CVPR 2018: 24 views, azimuth
    ``-15 k``, elevation 30 degrees, distance 2.732.

    Args:
        num_views: Number of cameras V, in equal steps around the object.

    Returns:
        Rows (V, 3) float64 of azimuth and elevation (degrees) and distance.
    """
    azimuth = -360.0 / num_views * torch.arange(num_views, dtype=torch.float64)
    others = azimuth.new_tensor([NMR_ELEVATION, NMR_DISTANCE]).expand(num_views, 2)
    return torch.cat([azimuth[:, None], others], dim=1)


def nmr_camera(
    view_angles: Tensor,
    *,
    height: int = 64,
    width: int = 64,
    viewing_angle: float = NMR_VIEWING_ANGLE,
) -> tuple[Tensor, Tensor]:
    """Return the cameras of the neural mesh renderer and of its data.

    They look at the origin from distance d with +y up; the centre is ``d (cos e sin a,
    sin e, cos e cos a)``. The published frame has z the other way round, where it is
    ``d (cos e sin a, sin e, -cos e cos a)``. Source: Kato et al., "Neural 3D Mesh
    Renderer", CVPR 2018.

    Args:
        view_angles: Rows (N, 3) of azimuth and elevation (degrees) and distance.
        height: Image height in pixels.
        width: Image width in pixels.
        viewing_angle: Half the field of view across the image, in degrees.

    Returns:
        Extrinsics (N, 3, 4) in the object frame and intrinsics (N, 3, 3).

    Raises:
        ValueError: If the rows are not (N, 3).
    """
    rows = torch.as_tensor(view_angles)
    if rows.ndim != 2 or rows.shape[1] != 3:
        raise ValueError(f"view_angles must be (N, 3), found {tuple(rows.shape)}")
    focal = 1 / math.tan(math.radians(viewing_angle))
    intrinsics = rows.new_tensor(
        [
            [focal * width / 2, 0.0, width / 2],
            [0.0, focal * height / 2, height / 2],
            [0.0, 0.0, 1.0],
        ]
    )
    extrinsics = orbit_camera(90 - rows[:, 0], rows[:, 1], rows[:, 2])
    return extrinsics, intrinsics.expand(len(rows), 3, 3).clone()


def orbit_camera(azimuth: Tensor, elevation: Tensor, distance: Tensor) -> Tensor:
    """Return cameras on a sphere that look at the origin with +y up.

    Args:
        azimuth: Angles (N,) in degrees around y, from +x towards +z.
        elevation: Angles (N,) in degrees above the xz plane.
        distance: Distances (N,) from the origin.

    Returns:
        Extrinsics (N, 3, 4).
    """
    azimuth, elevation, distance = (
        torch.as_tensor(value) for value in (azimuth, elevation, distance)
    )
    azimuth, elevation = azimuth * (math.pi / 180), elevation * (math.pi / 180)
    sin_a, cos_a = azimuth.sin(), azimuth.cos()
    sin_e, cos_e = elevation.sin(), elevation.cos()
    zero = torch.zeros_like(sin_a)
    rows = [
        *(sin_a, zero, -cos_a, zero),
        *(sin_e * cos_a, -cos_e, sin_e * sin_a, zero),
        *(-cos_e * cos_a, -sin_e, -cos_e * sin_a, distance),
    ]
    return torch.stack(torch.broadcast_tensors(*rows), dim=-1).unflatten(-1, (3, 4))


def viewer_rotation(azimuth: Tensor, elevation: Tensor) -> Tensor:
    """Return rotations (..., 3, 3) from object axes to those of a viewer.

    The viewer's axes are x right, y up and z towards the camera, as rows:
    ``p_viewer = R p_object``. Nothing is moved: the object stays around the origin.
    Source: YefanZhou/dispersion-score ``dataset/vc_generator.py``.

    Args:
        azimuth: Angles (...) in degrees around y, from +x towards +z.
        elevation: Angles (...) in degrees above the xz plane.
    """
    azimuth, elevation = torch.as_tensor(azimuth), torch.as_tensor(elevation)
    looking = orbit_camera(azimuth, elevation, torch.zeros_like(azimuth))[..., :3]
    # From y down and z forward, as cameras have them, to y up and z backward.
    return looking * looking.new_tensor([1.0, -1.0, -1.0])[:, None]


def to_object_frame(extrinsics: Tensor, translate: Tensor, scale: float) -> Tensor:
    """Express extrinsics of a mesh file in the object frame of its voxel grid.

    A point p of ``[-0.5, 0.5]^3`` is the mesh point ``scale (p + 0.5) + translate``
    (the header of the binvox file), so ``[R | t]`` becomes ``[R | (R c + t) / scale]``
    with ``c = scale / 2 + translate``. Projections stay the same; depths are in units
    of the object frame.

    Args:
        extrinsics: Cameras (..., 3, 4) in the mesh frame.
        translate: Lower corner (3,) of the grid in the mesh frame.
        scale: Side of the grid in the mesh frame.

    Returns:
        Cameras (..., 3, 4) in the object frame.
    """
    translate = torch.as_tensor(translate, dtype=extrinsics.dtype)
    centre = translate.to(extrinsics.device) + 0.5 * scale
    rotation, translation = extrinsics[..., :3], extrinsics[..., 3]
    moved = (rotation @ centre + translation) / scale
    return torch.cat([rotation, moved[..., None]], dim=-1)


def camera_centres(extrinsics: Tensor) -> Tensor:
    """Return the positions (..., 3) of cameras (..., 3, 4) with rigid rotations."""
    rotation, translation = extrinsics[..., :3], extrinsics[..., 3:]
    return -(rotation.transpose(-1, -2) @ translation)[..., 0]


def project(
    points: Tensor, extrinsics: Tensor, intrinsics: Tensor
) -> tuple[Tensor, Tensor]:
    """Project points into images.

    Args:
        points: Points (P, 3), or (..., P, 3) with the cameras' leading axes.
        extrinsics: Cameras (..., 3, 4).
        intrinsics: Cameras (..., 3, 3) in pixels.

    Returns:
        Pixel positions (..., P, 2), x to the right and y down, and depths (..., P)
        along the optical axis. Points at depth 0 or behind the camera have positions
        without meaning: look at the depth.
    """
    rotation, translation = extrinsics[..., :3], extrinsics[..., 3]
    seen = points @ rotation.transpose(-1, -2) + translation[..., None, :]
    pixels = seen @ intrinsics.transpose(-1, -2)
    return pixels[..., :2] / pixels[..., 2:], seen[..., 2]


def crop_intrinsics(
    intrinsics: Tensor, left: float | Tensor, top: float | Tensor
) -> Tensor:
    """Return intrinsics (..., 3, 3) after cutting columns and rows off an image.

    Args:
        intrinsics: Intrinsics (..., 3, 3) of the whole image.
        left: Columns that were cut off at the left, negative for added ones; one
            number, or (..., 1) for each image.
        top: Rows that were cut off at the top, likewise.
    """
    intrinsics = intrinsics.clone()
    intrinsics[..., 0, :] -= left * intrinsics[..., 2, :]
    intrinsics[..., 1, :] -= top * intrinsics[..., 2, :]
    return intrinsics


def resize_intrinsics(
    intrinsics: Tensor, scale_x: float | Tensor, scale_y: float | Tensor
) -> Tensor:
    """Return intrinsics (..., 3, 3) after resizing an image.

    Args:
        intrinsics: Intrinsics (..., 3, 3) of the image before.
        scale_x: New width over old width; one number, or (..., 1) for each image.
        scale_y: New height over old height, likewise.
    """
    intrinsics = intrinsics.clone()
    intrinsics[..., 0, :] *= scale_x
    intrinsics[..., 1, :] *= scale_y
    return intrinsics


def flip_intrinsics(intrinsics: Tensor, width: int) -> Tensor:
    """Return intrinsics (..., 3, 3) after mirroring an image left to right.

    The focal length along x becomes negative: the same object, seen by a camera whose
    pixels count from right to left, which is exactly what a mirrored image shows.

    Args:
        intrinsics: Intrinsics (..., 3, 3) of the image before.
        width: Image width in pixels.
    """
    intrinsics = intrinsics.clone()
    intrinsics[..., 0, :] = width * intrinsics[..., 2, :] - intrinsics[..., 0, :]
    return intrinsics
