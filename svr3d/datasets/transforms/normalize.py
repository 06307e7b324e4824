# SPDX-License-Identifier: Apache-2.0
"""Normalisation of pixel values."""

from collections.abc import Sequence

import numpy as np
from mmengine.registry import TRANSFORMS

from .base import BaseTransform, Sample


@TRANSFORMS.register_module()
class Normalize(BaseTransform):
    """Subtract a mean and divide by a standard deviation.

    The shipped configs leave this to the model's data preprocessor, so that one
    pipeline serves every model; it commutes with the steps that follow it in Pix2Vox.

    Args:
        mean: Mean of all channels, or of each in B, G, R order.
        std: Standard deviation, likewise.
    """

    def __init__(
        self, mean: float | Sequence[float] = 0.5, std: float | Sequence[float] = 0.5
    ):
        self.mean = np.array(mean, np.float32)
        self.std = np.array(std, np.float32)

    def transform(self, sample: Sample) -> Sample:
        """Normalise every view."""
        return sample | {"images": (sample["images"] - self.mean) / self.std}
