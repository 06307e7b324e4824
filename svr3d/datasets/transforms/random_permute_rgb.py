# SPDX-License-Identifier: Apache-2.0
"""Random exchange of the colour channels."""

import cv2
import numpy as np
from mmengine.registry import TRANSFORMS

from .base import BaseTransform, Sample


@TRANSFORMS.register_module()
class RandomPermuteRGB(BaseTransform):
    """Put the colour channels into a random order, the same for all views.

    Draws (numpy): one permutation of three. Source: hzxie/Pix2Vox
    ``utils/data_transforms.py``.
    """

    def transform(self, sample: Sample) -> Sample:
        """Reorder the channels of every view."""
        images = sample["images"]
        if images.shape[-1] != 3:
            raise ValueError(
                "RandomPermuteRGB needs images without alpha: put RandomBackground "
                f"before it, found {images.shape[-1]} channels"
            )
        order = sample["rng"].numpy.permutation(3)
        permuted = np.empty_like(images)
        pairs = [int(i) for pair in zip(order, range(3), strict=True) for i in pair]
        for view, result in zip(images, permuted, strict=True):
            cv2.mixChannels([view], [result], pairs)
        return sample | {"images": permuted}
