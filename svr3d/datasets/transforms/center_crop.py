# SPDX-License-Identifier: Apache-2.0
"""The crop of evaluation."""

from mmengine.registry import TRANSFORMS

from .base import BaseTransform, Sample
from .cropping import box_window, centre_window, crop_views


@TRANSFORMS.register_module()
class CenterCrop(BaseTransform):
    """Cut out the centre, or the square around the bounding box, and resize it.

    Source: hzxie/Pix2Vox ``utils/data_transforms.py``.

    Args:
        image_size: Height and width of the result in pixels.
        crop_size: Height and width of the centred window; an image that is not larger
            in both is resized whole. Unused for samples with ``boxes``.
    """

    def __init__(self, image_size: tuple[int, int], crop_size: tuple[int, int]):
        self.image_size = tuple(image_size)
        self.crop_size = tuple(crop_size)

    def transform(self, sample: Sample) -> Sample:
        """Crop every view."""
        views, height, width = sample["images"].shape[:3]
        if "boxes" in sample:
            windows = [box_window(box, height, width) for box in sample["boxes"]]
        else:
            windows = [centre_window(height, width, self.crop_size)] * views
        return crop_views(sample, windows, self.image_size)
