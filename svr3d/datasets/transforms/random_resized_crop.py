# SPDX-License-Identifier: Apache-2.0
"""Random windows of random size, resized to one size."""

import math

from mmengine.registry import TRANSFORMS

from svr3d.errors import ConfigError

from .base import BaseTransform, Sample
from .cropping import Window, crop_views, resize_antialiased

_ATTEMPTS = 10


@TRANSFORMS.register_module()
class RandomResizedCrop(BaseTransform):
    """Cut a window of random area and aspect ratio out of each view and resize it.

    Draws (Python), per view and attempt: area share, logarithm of the aspect ratio,
    then, if the window fits, its top and left. After ten windows that do not fit, the
    largest centred one of an allowed ratio is taken. The resize is that of ``Resize``;
    masks, boxes and intrinsics go along. Source: torchvision's transform of this name,
    in the augmentation of autonomousvision/occupancy_networks.

    Args:
        size: Height and width of the result in pixels, or one number for both.
        scale: Smallest and largest share of the image's area.
        ratio: Smallest and largest width over height.

    Raises:
        ConfigError: If an option has an impossible value.
    """

    def __init__(
        self,
        size: int | tuple[int, int],
        scale: tuple[float, float] = (0.75, 1.0),
        *,
        ratio: tuple[float, float] = (1.0, 1.0),
    ):
        self.size = (size, size) if isinstance(size, int) else tuple(size)
        if len(self.size) != 2 or min(self.size) < 1:
            raise ConfigError(
                f"RandomResizedCrop: size must be a positive number or two, found "
                f"{size!r}"
            )
        if not 0 < scale[0] <= scale[1] <= 1 or not 0 < ratio[0] <= ratio[1]:
            raise ConfigError(
                "RandomResizedCrop: expected 0 < low <= high, with a scale of at most "
                f"1, found scale {scale} and ratio {ratio}"
            )
        self.scale, self.ratio = tuple(scale), tuple(ratio)

    def transform(self, sample: Sample) -> Sample:
        """Crop and resize every view."""
        views, height, width = sample["images"].shape[:3]
        draws = sample["rng"].python
        windows = [self._window(height, width, draws) for _ in range(views)]
        return crop_views(sample, windows, self.size, resize=resize_antialiased)

    def _window(self, height, width, draws):
        """Draw one window."""
        log_ratio = [math.log(value) for value in self.ratio]
        for _ in range(_ATTEMPTS):
            area = height * width * draws.uniform(*self.scale)
            ratio = math.exp(draws.uniform(*log_ratio))
            across = round(math.sqrt(area * ratio))
            down = round(math.sqrt(area / ratio))
            if 0 < across <= width and 0 < down <= height:
                top = draws.randint(0, height - down)
                left = draws.randint(0, width - across)
                return Window(left, top, left + across, top + down)
        ratio = min(max(width / height, self.ratio[0]), self.ratio[1])
        across = min(width, round(height * ratio))
        down = min(height, round(width / ratio))
        left, top = (width - across) // 2, (height - down) // 2
        return Window(left, top, left + across, top + down)
