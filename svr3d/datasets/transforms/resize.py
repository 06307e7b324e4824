# SPDX-License-Identifier: Apache-2.0
"""Resizing whole views."""

from mmengine.registry import TRANSFORMS

from svr3d.errors import ConfigError

from .base import BaseTransform, Sample
from .cropping import Window, crop_views, resize_antialiased


@TRANSFORMS.register_module()
class Resize(BaseTransform):
    """Resize every view, bilinear with antialiasing, as Pillow resizes pictures.

    Masks, boxes and intrinsics go along. Source: the image pipeline of
    autonomousvision/occupancy_networks (``transforms.Resize`` of torchvision).

    Args:
        size: Length of the shorter side in pixels, the longer one in proportion; or
            height and width.

    Raises:
        ConfigError: If the size is not positive.
    """

    def __init__(self, size: int | tuple[int, int]):
        numbers = (size,) if isinstance(size, int) else tuple(size)
        if len(numbers) > 2 or any(int(n) != n or n < 1 for n in numbers):
            raise ConfigError(
                f"Resize: size must be a positive number or two, found {size!r}"
            )
        self.size = size if isinstance(size, int) else numbers

    def transform(self, sample: Sample) -> Sample:
        """Resize every view."""
        views, height, width = sample["images"].shape[:3]
        size = self.size
        if isinstance(size, int):
            shorter = min(height, width)
            size = (size * height // shorter, size * width // shorter)
        windows = [Window(0, 0, width, height)] * views
        return crop_views(sample, windows, size, resize=resize_antialiased)
