# SPDX-License-Identifier: Apache-2.0
"""Cameras of pictures: on a circle about the object, looking at its middle."""

import math
from collections.abc import Sequence

import torch

DISTANCE = 2.4
"""Distance of the cameras from the object's middle, in its own unit."""


def orbit_cameras(
    azimuths: Sequence[float],
    *,
    elevation: float = 25.0,
    distance: float = DISTANCE,
    radius: float = 0.75,
    size: int = 256,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Place cameras about the origin, y up.

    The camera's centre is ``d (cos e cos a, sin e, cos e sin a)``, as in the renderings
    of 3D-R2N2.

    Args:
        azimuths: Angles a about the y axis, degrees.
        elevation: Angle e above the ground, degrees, in (-90, 90).
        distance: d, in the object's unit.
        radius: A ball of this radius about the origin just fits the picture.
        size: Pixels of the square picture's side.

    Returns:
        Extrinsics (N, 3, 4), object to camera, OpenCV axes, and intrinsics (N, 3, 3) in
        pixels, pixel centres at half-integers.
    """
    a = torch.deg2rad(torch.tensor(list(azimuths), dtype=torch.float64))
    e = torch.full_like(a, math.radians(elevation))
    centre = distance * torch.stack([e.cos() * a.cos(), e.sin(), e.cos() * a.sin()], 1)
    forward = -centre / distance
    up = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64).expand_as(forward)
    right = torch.nn.functional.normalize(torch.linalg.cross(forward, up), dim=1)
    down = torch.linalg.cross(forward, right)
    rotation = torch.stack([right, down, forward], dim=1)
    translation = -(rotation @ centre[:, :, None])
    focal = size / 2 * math.sqrt(distance**2 - radius**2) / radius
    intrinsics = torch.tensor(
        [[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]], dtype=torch.float64
    )
    extrinsics = torch.cat([rotation, translation], dim=2).float()
    return extrinsics, intrinsics.float().expand(len(a), 3, 3).contiguous()
