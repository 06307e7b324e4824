# SPDX-License-Identifier: Apache-2.0
"""The crop of training."""

from mmengine.registry import TRANSFORMS

from .base import BaseTransform, Sample
from .cropping import box_window, centre_window, crop_views


@TRANSFORMS.register_module()
class RandomCrop(BaseTransform):
    """Cut out a jittered square around the bounding box, else the centre, and resize.

    With a box of longer side s the square has side ``s U(0.8, 1.2)`` and each edge lies
    ``U(0.4, 0.6)`` sides from the centre, drawn in the order left, right, top, bottom
    for each view. Without a box this is ``CenterCrop`` and draws nothing, as published.
    Source: hzxie/Pix2Vox ``utils/data_transforms.py``.

    Differs from Pix2Vox: every view has its own box, where the original overwrote the
    box while going through the views.

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
        if "boxes" not in sample:
            windows = [centre_window(height, width, self.crop_size)] * views
            return crop_views(sample, windows, self.image_size)
        uniform = sample["rng"].python.uniform
        windows = []
        for box in sample["boxes"]:
            zoom = uniform(0.8, 1.2)
            offsets = tuple(uniform(0.4, 0.6) for _ in range(4))
            windows.append(box_window(box, height, width, zoom=zoom, offsets=offsets))
        return crop_views(sample, windows, self.image_size)
