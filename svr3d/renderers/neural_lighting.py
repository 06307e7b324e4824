# SPDX-License-Identifier: Apache-2.0
"""Lighting of the neural mesh renderer: flat shades on texture cubes."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize


def light_textures(
    corners: Tensor,
    textures: Tensor,
    *,
    ambient: float = 0.5,
    directional: float = 0.5,
    ambient_color: Sequence[float] = (1, 1, 1),
    directional_color: Sequence[float] = (1, 1, 1),
    direction: Sequence[float] = (0, 1, 0),
) -> Tensor:
    """Multiplies texture cubes by an ambient and a directional light.

    Faces that look away from the light get the ambient one alone; reversed copies of
    faces look the other way. Source: Kato et al., "Neural 3D Mesh Renderer" (2018).

    Args:
        corners: (B, F, 3, 3) corners of faces in world space.
        textures: (B, F, T, T, T, 3) colours.
        ambient: Intensity of the ambient light.
        directional: Intensity of the directional light.
        ambient_color: Red, green and blue.
        directional_color: Red, green and blue.
        direction: Towards the light, of length 1.

    Returns:
        (B, F, T, T, T, 3) lit colours, differentiable in both.
    """
    normals = torch.linalg.cross(
        corners[:, :, 0] - corners[:, :, 1], corners[:, :, 2] - corners[:, :, 1], dim=-1
    )
    normals = normalize(normals, eps=1e-5, dim=-1)
    towards = (normals @ corners.new_tensor(direction)).clamp(min=0)
    light = ambient * corners.new_tensor(ambient_color)
    light = light + directional * towards[..., None] * corners.new_tensor(
        directional_color
    )
    return textures * light[:, :, None, None, None]
