# SPDX-License-Identifier: Apache-2.0
"""The whole image preparation of the original 3D-R2N2."""

import numpy as np
import torch
from mmengine.registry import TRANSFORMS

from svr3d.geometry.cameras import crop_intrinsics, flip_intrinsics

from .base import BaseTransform, Sample
from .random_background import RandomBackground


@TRANSFORMS.register_module()
class R2N2Preprocess(BaseTransform):
    """Background, crop and mirroring as 3D-R2N2 does them, view after view.

    Each view gets its own background colour where alpha is 0. In training a window of
    137 - 10 pixels is cut at a random place and the view is mirrored with probability
    1/2; in evaluation the centred window is taken. Nothing is resized and the shape is
    not mirrored (see ``RandomFlip`` for the cameras). Draws (numpy), per view: three
    integers for R, G, B, in evaluation too, then row and column of the window, then a
    uniform number that mirrors above 0.5. Source: chrischoy/3D-R2N2
    ``lib/data_augmentation.py``.

    Args:
        training: Whether windows and mirroring are random.
        padding: How many pixels the window is smaller than the image.
        color_range: Lowest and highest background value, both included, of each
            channel in R, G, B order; the original takes 225 to 255 in training and 240
            in evaluation.
    """

    def __init__(
        self,
        training: bool,
        padding: int = 10,
        *,
        color_range: tuple[tuple[int, int], ...] = ((225, 255), (225, 255), (225, 255)),
    ):
        self.training = training
        self.padding = padding
        self.color_range = RandomBackground(color_range).color_range

    def transform(self, sample: Sample) -> Sample:
        """Prepare every view."""
        rng = sample["rng"].numpy
        images = sample["images"]
        height, width = images.shape[1] - self.padding, images.shape[2] - self.padding
        windows, mirrored, composed, masks = [], [], [], []
        for view in images:
            color = [rng.randint(low, high + 1) for low, high in self.color_range]
            row = column = self.padding // 2
            flip = False
            if self.training:
                row, column = rng.randint(self.padding), rng.randint(self.padding)
                flip = rng.rand() > 0.5
            cut = view[row : row + height, column : column + width]
            if flip:
                cut = cut[:, ::-1]
            alpha = cut[..., 3]
            fill = np.float32(color[::-1]) / 255
            composed.append(np.where(alpha[..., None] == 0, fill, cut[..., :3]))
            masks.append(alpha)
            windows.append((row, column))
            mirrored.append(flip)
        sample = sample | {"images": np.stack(composed), "masks": np.stack(masks)}
        if "intrinsics" in sample:
            top, left = torch.tensor(windows, dtype=torch.float64)[..., None].unbind(1)
            moved = crop_intrinsics(sample["intrinsics"], left, top)
            chosen = torch.tensor(mirrored)[:, None, None]
            sample["intrinsics"] = torch.where(
                chosen, flip_intrinsics(moved, width), moved
            )
        return sample
