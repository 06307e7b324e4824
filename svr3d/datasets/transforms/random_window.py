# SPDX-License-Identifier: Apache-2.0
"""A window of fixed size at a random place."""

from mmengine.registry import TRANSFORMS

from svr3d.errors import ConfigError

from .base import BaseTransform, Sample
from .cropping import Window, crop_views


@TRANSFORMS.register_module()
class RandomWindow(BaseTransform):
    """Cut a window out of each view where chance puts it; nothing is resized.

    Masks, boxes and intrinsics go along. Draws (Python), per view: the first row, then
    the first column. Source: ``RandomCrop`` of torchvision, in the readers of
    ThibaultGROUEIX/AtlasNet.

    Args:
        size: Height and width of the window in pixels, or one number for both.

    Raises:
        ConfigError: If the size is not positive.
    """

    def __init__(self, size: int | tuple[int, int]):
        self.size = (size, size) if isinstance(size, int) else tuple(size)
        if len(self.size) != 2 or min(self.size) < 1:
            raise ConfigError(
                f"RandomWindow: size must be a positive number or two, found {size!r}"
            )

    def transform(self, sample: Sample) -> Sample:
        """Cut every view."""
        views, height, width = sample["images"].shape[:3]
        down, across = self.size
        if height < down or width < across:
            raise ValueError(
                f"RandomWindow: expected images of at least {down} x {across} pixels, "
                f"found {height} x {width}"
            )
        draw = sample["rng"].python.randint
        windows = []
        for _ in range(views):
            top, left = draw(0, height - down), draw(0, width - across)
            windows.append(Window(left, top, left + across, top + down))
        return crop_views(sample, windows, self.size)
