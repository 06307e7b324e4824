# SPDX-License-Identifier: Apache-2.0
"""Resizing whole views."""

from mmengine.registry import TRANSFORMS

from svr3d.errors import ConfigError

from .base import BaseTransform, Sample
from .cropping import Window, crop_views, resize_antialiased, resize_blurred

_FILTERS = {"pillow": resize_antialiased, "gaussian": resize_blurred}


@TRANSFORMS.register_module()
class Resize(BaseTransform):
    """Resize every view, bilinear with antialiasing.

    Masks, boxes and intrinsics go along. Sources: the image pipeline of
    autonomousvision/occupancy_networks (``transforms.Resize`` of torchvision) and, with
    ``filter="gaussian"``, the readers of bomb2peng/learn3D.

    Args:
        size: Length of the shorter side in pixels, the longer one in proportion; or
            height and width.
        filter: ``pillow`` as Pillow resizes pictures, to 8 bits; ``gaussian`` blurs
            before interpolating and rounds nothing, as scikit-image does.

    Raises:
        ConfigError: If the size is not positive or the filter unknown.
    """

    def __init__(self, size: int | tuple[int, int], *, filter: str = "pillow"):
        numbers = (size,) if isinstance(size, int) else tuple(size)
        if len(numbers) > 2 or any(int(n) != n or n < 1 for n in numbers):
            raise ConfigError(
                f"Resize: size must be a positive number or two, found {size!r}"
            )
        if filter not in _FILTERS:
            raise ConfigError(
                f"Resize: filter must be one of {tuple(_FILTERS)}, found {filter!r}"
            )
        self.filter = filter
        self.size = size if isinstance(size, int) else numbers

    def transform(self, sample: Sample) -> Sample:
        """Resize every view."""
        views, height, width = sample["images"].shape[:3]
        size = self.size
        if isinstance(size, int):
            shorter = min(height, width)
            size = (size * height // shorter, size * width // shorter)
        windows = [Window(0, 0, width, height)] * views
        return crop_views(sample, windows, size, resize=_FILTERS[self.filter])
