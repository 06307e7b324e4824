# SPDX-License-Identifier: Apache-2.0
"""Random brightness, contrast and saturation."""

import cv2
import numpy as np
from mmengine.registry import TRANSFORMS

from .base import BaseTransform, Sample

_GREY_OF_BGR = np.array([0.114, 0.587, 0.299])


@TRANSFORMS.register_module()
class ColorJitter(BaseTransform):
    """Change brightness, contrast and saturation in random order.

    Each is ``f image + (1 - f) reference`` with ``f = 1 + U(-range, range)`` and as
    reference black, the mean grey level of the view, or its grey image. All views of a
    sample get the same factors and order; values are not clipped. Draws (numpy): the
    three factors, then a shuffle of the order. Source: hzxie/Pix2Vox
    ``utils/data_transforms.py``.

    All three are affine in the colour and a mean commutes with affine maps, so the
    chain is composed into one matrix (3, 4) per view before it meets the pixels.

    Args:
        brightness: Range of the brightness factor around 1.
        contrast: Range of the contrast factor around 1.
        saturation: Range of the saturation factor around 1.
    """

    def __init__(
        self,
        brightness: float = 0.4,
        contrast: float = 0.4,
        *,
        saturation: float = 0.4,
    ):
        self.ranges = (brightness, contrast, saturation)

    def transform(self, sample: Sample) -> Sample:
        """Change the colours of every view."""
        rng = sample["rng"].numpy
        factors = [1 + rng.uniform(low=-limit, high=limit) for limit in self.ranges]
        order = np.arange(3)
        rng.shuffle(order)
        jittered = np.empty_like(sample["images"])
        for view, result in zip(sample["images"], jittered, strict=True):
            mean = np.array(cv2.mean(view)[:3])
            cv2.transform(view, _compose(mean, factors, order), dst=result)
        return sample | {"images": jittered}


def _compose(mean, factors, order):
    """Return the affine map (3, 4) of the chain for a view of a mean colour (3,)."""
    matrix, offset = np.eye(3), np.zeros(3)
    for kind in order:
        factor = factors[kind]
        if kind == 1:
            grey = _GREY_OF_BGR @ (matrix @ mean + offset)
            matrix, offset = factor * matrix, factor * offset + (1 - factor) * grey
        else:
            step = factor * np.eye(3)
            if kind == 2:
                step += (1 - factor) * np.tile(_GREY_OF_BGR, (3, 1))
            matrix, offset = step @ matrix, step @ offset
    return np.column_stack([matrix, offset])
