# SPDX-License-Identifier: Apache-2.0
"""Images without their alpha."""

import numpy as np
from mmengine.registry import TRANSFORMS

from .base import BaseTransform, Sample


@TRANSFORMS.register_module()
class DropAlpha(BaseTransform):
    """Keep the colours alone, also where an image is transparent.

    What a file stores under transparent pixels, mostly black, becomes the background;
    a ``Resize`` before this makes them black. ``RandomBackground`` puts a colour there
    instead. Images without alpha stay as they are. Source: the readers of
    ThibaultGROUEIX/AtlasNet.

    Args:
        masks: Keep alpha as the ``masks`` of the sample.
    """

    def __init__(self, masks: bool = False):
        self.masks = masks

    def transform(self, sample: Sample) -> Sample:
        """Cut the fourth channel off every view."""
        images = sample["images"]
        if images.shape[-1] == 3:
            return sample
        changed = {"images": images[..., :3]}
        if self.masks:
            changed["masks"] = np.ascontiguousarray(images[..., 3])
        return sample | changed
