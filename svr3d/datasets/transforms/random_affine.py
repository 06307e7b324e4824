# SPDX-License-Identifier: Apache-2.0
"""Views turned and shifted at random."""

import cv2
import numpy as np
from mmengine.registry import TRANSFORMS

from svr3d.errors import ConfigError

from .base import BaseTransform, Sample


@TRANSFORMS.register_module()
class RandomAffine(BaseTransform):
    """Turn each view about its centre and shift it; what comes in is transparent black.

    The target does not move, and the cameras of the sample, if it has any, would be
    wrong: they must not be there. Draws (Python), per view: the angle, then the shifts
    to the right and down. Source: ``geometricaugment`` (rotation of 30 degrees) and
    ``geometricaugmentMag`` (15 i degrees and shifts of 0.2 i / 3 for i = 1, 2, 3) of
    YefanZhou/dispersion-score.

    Args:
        degrees: Largest turn to either side.
        translation: Largest shift, as a share of width and height.

    Raises:
        ConfigError: If an option has an impossible value.
    """

    def __init__(self, degrees: float = 30.0, translation: float = 0.0):
        if not 0 <= degrees <= 180 or not 0 <= translation <= 1:
            raise ConfigError(
                "RandomAffine: expected degrees of 0 to 180 and a translation of 0 to "
                f"1, found {degrees} and {translation}"
            )
        self.degrees, self.translation = degrees, translation

    def transform(self, sample: Sample) -> Sample:
        """Move every view, and its mask."""
        for key in ("intrinsics", "boxes"):
            if key in sample:
                raise ValueError(f"RandomAffine: expected a sample without {key}")
        views, height, width = sample["images"].shape[:3]
        draw = sample["rng"].python.uniform
        matrices = []
        for _ in range(views):
            angle = draw(-self.degrees, self.degrees)
            right, down = (draw(-self.translation, self.translation) for _ in range(2))
            centre = ((width - 1) / 2, (height - 1) / 2)
            matrix = cv2.getRotationMatrix2D(centre, angle, 1.0)
            matrix[:, 2] += right * width, down * height
            matrices.append(matrix)
        changed = {
            key: np.stack(
                [
                    cv2.warpAffine(view, matrix, (width, height))
                    for view, matrix in zip(sample[key], matrices, strict=True)
                ]
            )
            for key in ("images", "masks")
            if key in sample
        }
        return sample | changed
