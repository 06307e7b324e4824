# SPDX-License-Identifier: Apache-2.0
"""Structures of templates that were deformed."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from svr3d.structures import Mesh, PointCloud


def template_structure(
    points: Tensor, faces: Tensor | None, patches: int = 1
) -> Mesh | PointCloud:
    """Return deformed points as meshes, or as clouds if they have no faces.

    Args:
        points: (B, M, 3), patch after patch, each of M / patches points.
        faces: (F, 3) of one patch, or None.
        patches: Number of patches; several are told apart by colours.
    """
    from svr3d.structures import Mesh, PointCloud

    points = points.detach().float()
    if faces is None:
        return PointCloud(points)
    size = points.shape[1] // patches
    first = size * torch.arange(patches, device=faces.device)
    joined = (faces + first[:, None, None]).flatten(0, 1)
    colors = None
    if patches > 1:
        each = patch_colors(patches).to(points.device)
        colors = [each.repeat_interleave(size, dim=0)] * len(points)
    return Mesh(list(points), joined, colors)


def patch_colors(patches: int) -> Tensor:
    """Return a colour (P, 3) in [0, 1] for each patch, from red over green to blue.

    Differs from AtlasNet: its colour map is a file of its repository.

    Args:
        patches: Number of patches.
    """
    hues = [0.72 * index / max(1, patches - 1) for index in range(patches)]
    return torch.tensor([colorsys.hsv_to_rgb(hue, 0.65, 0.95) for hue in hues])
