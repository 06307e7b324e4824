# SPDX-License-Identifier: Apache-2.0
"""Cameras of the neural mesh renderer: from world space to its image coordinates.

Image coordinates are x right and y up from -1 to 1, with the depth as z. Camera space
has x right, y up and z forward. Source: Kato et al., "Neural 3D Mesh Renderer" (2018),
as its PyTorch port computes them.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

Vector = Tensor | Sequence[float]


def points_from_angles(distance: Tensor, elevation: Tensor, azimuth: Tensor) -> Tensor:
    """Places cameras around the origin.

    Args:
        distance: (...) distances.
        elevation: (...) degrees above the plane of x and z.
        azimuth: (...) degrees around y; 0 looks from -z.

    Returns:
        (..., 3) positions.
    """
    distance, elevation, azimuth = torch.broadcast_tensors(
        distance, torch.deg2rad(elevation), torch.deg2rad(azimuth)
    )
    flat = distance * elevation.cos()
    return torch.stack(
        (flat * azimuth.sin(), distance * elevation.sin(), -flat * azimuth.cos()), -1
    )


def _vectors(value: Vector, vertices: Tensor) -> Tensor:
    """Takes (3,) or (B, 3) and returns (B, 3)."""
    vector = torch.as_tensor(value, dtype=vertices.dtype, device=vertices.device)
    if vector.shape[-1:] != (3,) or vector.ndim not in (1, 2):
        raise ValueError(f"expected shape (3,) or (B, 3), found {tuple(vector.shape)}")
    return vector.expand(len(vertices), 3)


def look(
    vertices: Tensor, eye: Vector, direction: Vector = (0, 0, 1), up: Vector = (0, 1, 0)
) -> Tensor:
    """Moves world positions into the space of cameras that look along a direction.

    Args:
        vertices: (B, V, 3) positions.
        eye: (3,) or (B, 3) camera positions.
        direction: (3,) or (B, 3) directions of view.
        up: (3,) or (B, 3) upward directions.

    Returns:
        (B, V, 3) positions in camera space.
    """
    eye, direction, up = (_vectors(v, vertices) for v in (eye, direction, up))
    z = normalize(direction, eps=1e-5, dim=-1)
    x = normalize(torch.linalg.cross(up, z, dim=-1), eps=1e-5, dim=-1)
    y = normalize(torch.linalg.cross(z, x, dim=-1), eps=1e-5, dim=-1)
    rotation = torch.stack((x, y, z), dim=1)
    return (vertices - eye[:, None]) @ rotation.mT


def look_at(
    vertices: Tensor, eye: Vector, at: Vector = (0, 0, 0), up: Vector = (0, 1, 0)
) -> Tensor:
    """Moves world positions into the space of cameras that look at a point.

    Args:
        vertices: (B, V, 3) positions.
        eye: (3,) or (B, 3) camera positions.
        at: (3,) or (B, 3) points that the cameras look at.
        up: (3,) or (B, 3) upward directions.

    Returns:
        (B, V, 3) positions in camera space.
    """
    eye, at = _vectors(eye, vertices), _vectors(at, vertices)
    return look(vertices, eye, at - eye, up)


def perspective(vertices: Tensor, angle: float = 30.0) -> Tensor:
    """Projects positions in camera space.

    Args:
        vertices: (B, V, 3) positions in camera space.
        angle: Half the field of view, in degrees.

    Returns:
        (B, V, 3) image coordinates and depth.
    """
    z = vertices[..., 2]
    x, y = (vertices[..., i] / z / math.tan(math.radians(angle)) for i in (0, 1))
    return torch.stack((x, y, z), dim=-1)


def project_calibrated(
    vertices: Tensor,
    intrinsics: Tensor,
    rotation: Tensor,
    translation: Tensor,
    distortion: Tensor,
    size: float,
) -> Tensor:
    """Projects world positions by calibrated cameras with Brown's distortion.

    Args:
        vertices: (B, V, 3) positions.
        intrinsics: (B, 3, 3) in pixels of the calibrated image.
        rotation: (B, 3, 3) world-to-camera, x right, y down, z forward.
        translation: (B, 1, 3).
        distortion: (B, 5) k1, k2, p1, p2 and k3.
        size: Side of the calibrated image, in pixels.

    Returns:
        (B, V, 3) image coordinates and depth.
    """
    camera = vertices @ rotation.mT + translation
    z = camera[..., 2]
    x, y = camera[..., 0] / (z + 1e-9), camera[..., 1] / (z + 1e-9)
    k1, k2, p1, p2, k3 = (distortion[:, i, None] for i in range(5))
    r = x.square() + y.square()
    radial = 1 + k1 * r + k2 * r.square() + k3 * r**3
    pixels = torch.stack(
        (
            x * radial + 2 * p1 * x * y + p2 * (r + 2 * x.square()),
            y * radial + p1 * (r + 2 * y.square()) + 2 * p2 * x * y,
            torch.ones_like(z),
        ),
        dim=-1,
    )
    pixels = pixels @ intrinsics.mT
    u, v = pixels[..., 0], size - pixels[..., 1]
    return torch.stack((2 * u / size - 1, 2 * v / size - 1, z), dim=-1)
