# SPDX-License-Identifier: Apache-2.0
"""Where a point cloud lies and how large it is: the published normalisations."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from svr3d.errors import ConfigError


class CloudPlacement(NamedTuple):
    """Centre and scale of a cloud: a normalised point is ``(p - centre) / scale``.

    Attributes:
        centre: (..., 1, 3).
        scale: (..., 1, 1), or (..., 1, 3) with a scale for each axis.
    """

    centre: Tensor
    scale: Tensor

    def normalize(self, points: Tensor) -> Tensor:
        """Return points (..., N, 3) with the centre at 0 and the scale 1."""
        return (points - self.centre) / self.scale

    def restore(self, points: Tensor) -> Tensor:
        """Return normalised points (..., N, 3) where the cloud was."""
        return points * self.scale + self.centre


def find_placement(points: Tensor, normalization: str = "UnitBall") -> CloudPlacement:
    """Return the placement that a normalisation of AtlasNet takes out of a cloud.

    ``UnitBall``: the mean of the points, and the largest distance to it.
    ``BoundingBox``: the centre of the box, and half of its longest side, so that the
    longest axis spans [-1, 1]. ``UnitBox``: the same centre and the whole side, so that
    it spans [-0.5, 0.5]. ``AnisotropicBoundingBox``: half of each side.
    ``Center`` and ``CenterBox``: mean or centre of the box, scale 1. ``Identity``:
    nothing. Source: ThibaultGROUEIX/AtlasNet ``dataset/pointcloud_processor.py``.

    Args:
        points: Clouds (..., N, 3).
        normalization: Name of the rule.

    Raises:
        ConfigError: If there is no such rule.
    """
    check_normalization(normalization)
    return _RULES[normalization](points)


def check_normalization(normalization: str) -> None:
    """Check the name of a rule.

    Raises:
        ConfigError: If there is no such rule.
    """
    if normalization not in _RULES:
        raise ConfigError(
            f"normalization: expected one of {', '.join(_RULES)}, found "
            f"{normalization!r}"
        )


def _mean(points):
    return points.mean(dim=-2, keepdim=True)


def _box(points):
    """Return centre and half sides (..., 1, 3) of the boxes."""
    low, high = points.amin(-2, keepdim=True), points.amax(-2, keepdim=True)
    return (low + high) / 2, (high - low) / 2


def _one(points):
    return points.new_ones((*points.shape[:-2], 1, 1))


def _unit_ball(points):
    centre = _mean(points)
    distances = torch.linalg.vector_norm(points - centre, dim=-1, keepdim=True)
    return CloudPlacement(centre, distances.amax(-2, keepdim=True))


def _unit_box(points):
    centre, half = _box(points)
    return CloudPlacement(centre, 2 * half.amax(-1, keepdim=True))


def _bounding_box(points):
    centre, half = _box(points)
    return CloudPlacement(centre, half.amax(-1, keepdim=True))


_RULES: dict[str, Callable[[Tensor], CloudPlacement]] = {
    "UnitBall": _unit_ball,
    "BoundingBox": _bounding_box,
    "UnitBox": _unit_box,
    "AnisotropicBoundingBox": lambda points: CloudPlacement(*_box(points)),
    "Center": lambda points: CloudPlacement(_mean(points), _one(points)),
    "CenterBox": lambda points: CloudPlacement(_box(points)[0], _one(points)),
    "Identity": lambda points: CloudPlacement(
        torch.zeros_like(points[..., :1, :]), _one(points)
    ),
}
NORMALIZATIONS = tuple(_RULES)
