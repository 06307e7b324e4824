# SPDX-License-Identifier: Apache-2.0
"""Brightness by each view's own maximum."""

import numpy as np
from mmengine.registry import TRANSFORMS

from .base import BaseTransform, Sample


@TRANSFORMS.register_module()
class DivideByMaximum(BaseTransform):
    """Divide each view by its largest value, so that something in it is 1.

    A view that is black everywhere stays so. Source:
    Computer-Vision-IIITH-2021/project-noisypixel ``src/dataset/dataloader.py``.
    """

    def transform(self, sample: Sample) -> Sample:
        """Scale every view."""
        images = sample["images"]
        largest = images.max(axis=(1, 2, 3), keepdims=True)
        return sample | {"images": images / np.where(largest > 0, largest, 1)}
