# SPDX-License-Identifier: Apache-2.0
"""Random rotation, scale, reflection and place of a cloud."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from mmengine.registry import TRANSFORMS

from svr3d.errors import ConfigError
from svr3d.geometry.rotations import axis_rotation, rotation_about

from .base import BaseTransform, Sample


@TRANSFORMS.register_module()
class AugmentPoints(BaseTransform):
    """Change input and target points alike, for autoencoders.

    Each step that is on, in this order: a turn about the y axis by
    ``U(-max_turn, max_turn)``; a rotation about a random axis by U(pi, 3 pi); a scale
    of each axis; a reflection in each plane with probability 1/2; a shift. Images know
    nothing of it. Draws (numpy), as far as a step is on: the angle; three normal
    numbers for the axis, then the angle; three scales; a number for each plane, which
    reflects below 1/2; three shifts. Source: ThibaultGROUEIX/AtlasNet
    ``dataset/pointcloud_processor.py``, where all steps are off by default.

    Args:
        max_turn: Largest turn about y in degrees, published 180; 0 for none.
        rotate: Whether to rotate about a random axis.
        scale_range: Lowest and highest scale, published (0.75, 1.25); None for none.
        flip_axes: Axes to reflect, published (0, 2).
        max_shift: Largest shift along each axis, published 0.03; 0 for none.

    Raises:
        ConfigError: If an option has an impossible value.
    """

    def __init__(
        self,
        max_turn: float = 0.0,
        *,
        rotate: bool = False,
        scale_range: tuple[float, float] | None = None,
        flip_axes: Sequence[int] = (),
        max_shift: float = 0.0,
    ):
        if max_turn < 0 or max_shift < 0:
            raise ConfigError(
                "AugmentPoints: expected max_turn and max_shift of at least 0, found "
                f"{max_turn} and {max_shift}"
            )
        if scale_range is not None and not 0 < scale_range[0] <= scale_range[1]:
            raise ConfigError(
                f"AugmentPoints: expected 0 < low <= high, found {scale_range}"
            )
        if not set(flip_axes) <= {0, 1, 2}:
            raise ConfigError(
                f"AugmentPoints: expected flip_axes of 0, 1 and 2, found {flip_axes}"
            )
        self.max_turn, self.rotate = max_turn, rotate
        self.scale_range, self.max_shift = scale_range, max_shift
        self.flip_axes = tuple(flip_axes)

    def transform(self, sample: Sample) -> Sample:
        """Change the points and normals of the sample."""
        matrix, shift = self._draw(sample["rng"].numpy)
        # Normals stay perpendicular to the surface: p' = p A, n' ~ n A^-T.
        across = np.linalg.inv(matrix).T
        changed = {}
        for key in ("surface_points", "input_points"):
            if key in sample:
                points = sample[key].astype(np.float64) @ matrix + shift
                changed[key] = points.astype(np.float32)
        if "surface_normals" in sample:
            normals = sample["surface_normals"].astype(np.float64) @ across
            lengths = np.linalg.norm(normals, axis=1, keepdims=True)
            changed["surface_normals"] = (normals / lengths).astype(np.float32)
        return sample | changed

    def _draw(self, draws):
        """Return the matrix (3, 3) for row vectors and the shift (3,)."""
        matrix, shift = np.eye(3), np.zeros(3)
        if self.max_turn:
            degrees = draws.uniform(-self.max_turn, self.max_turn)
            angle = torch.tensor(math.radians(degrees), dtype=torch.float64)
            matrix = matrix @ axis_rotation(1, angle).numpy()
        if self.rotate:
            axis = torch.from_numpy(draws.normal(size=3))
            angle = torch.tensor(draws.uniform(math.pi, 3 * math.pi))
            rotation = rotation_about(axis / axis.norm(), angle.double())
            matrix = matrix @ rotation.numpy()
        if self.scale_range is not None:
            matrix = matrix * draws.uniform(*self.scale_range, size=3)
        for axis in self.flip_axes:
            if draws.uniform(0, 1) < 0.5:
                matrix[:, axis] *= -1
        if self.max_shift:
            shift = draws.uniform(-self.max_shift, self.max_shift, size=3)
        return matrix, shift
