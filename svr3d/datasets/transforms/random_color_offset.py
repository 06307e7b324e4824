# SPDX-License-Identifier: Apache-2.0
"""A random colour added to an object."""

import numpy as np
from mmengine.registry import TRANSFORMS

from svr3d.errors import ConfigError

from .base import BaseTransform, Sample


@TRANSFORMS.register_module()
class RandomColorOffset(BaseTransform):
    """Add an offset to each channel where alpha is not 0, another one for each view.

    Offsets are whole grey levels of ``U(-largest, largest)``. Draws (numpy), per view:
    three uniform numbers, R, G, B. Source: ``coloraugment`` of
    YefanZhou/dispersion-score, whose sums wrap around at 256.

    Args:
        largest: Largest offset in grey levels, 0 to 255.
        wrap: Let sums wrap around, as published, where they stop at black and white.

    Raises:
        ConfigError: If ``largest`` is out of range.
    """

    def __init__(self, largest: float = 30, wrap: bool = False):
        if not 0 <= largest <= 255:
            raise ConfigError(
                f"RandomColorOffset: expected largest of 0 to 255, found {largest}"
            )
        self.largest, self.wrap = largest, wrap

    def transform(self, sample: Sample) -> Sample:
        """Change every view."""
        images = sample["images"]
        if images.shape[-1] != 4:
            raise ValueError(
                "RandomColorOffset needs images with alpha: put it before DropAlpha, "
                f"found {images.shape[-1]} channels"
            )
        images = images.copy()
        for view in images:
            offset = sample["rng"].numpy.uniform(-self.largest, self.largest, size=3)
            levels = np.rint(view[..., :3] * 255).astype(np.int64)
            levels += offset[::-1].astype(np.int64)
            levels = levels % 256 if self.wrap else np.clip(levels, 0, 255)
            colors = levels.astype(np.float32) / np.float32(255)
            view[..., :3] = np.where(view[..., 3:] > 0, colors, view[..., :3])
        return sample | {"images": images}
