# SPDX-License-Identifier: Apache-2.0
"""Random mirroring of views."""

import cv2
import numpy as np
import torch
from mmengine.registry import TRANSFORMS

from svr3d.geometry.cameras import flip_intrinsics

from .base import BaseTransform, Sample


@TRANSFORMS.register_module()
class RandomFlip(BaseTransform):
    """Mirror each view left to right with probability 1/2.

    The shape is not mirrored, as published: a mirrored view of an object that is not
    symmetric shows another object than the target. The cameras stay right for the
    target: the focal length along x of a mirrored view becomes negative, so projecting
    the target with ``intrinsics`` and ``extrinsics`` still meets the pixels.
    ``view_angles`` keep the angles of the rendering. Draws (Python): one integer of
    {0, 1} per view. Source: hzxie/Pix2Vox ``utils/data_transforms.py``.
    """

    def transform(self, sample: Sample) -> Sample:
        """Mirror the drawn views."""
        images = sample["images"]
        chosen = [sample["rng"].python.randint(0, 1) == 1 for _ in images]
        if not any(chosen):
            return sample
        sample = dict(sample)
        for key in ("images", "masks"):
            if key in sample:
                views = sample[key].copy()
                for number in np.flatnonzero(chosen):
                    views[number] = cv2.flip(sample[key][number], 1)
                sample[key] = views
        if "boxes" in sample:
            boxes = sample["boxes"].copy()
            boxes[chosen] = boxes[chosen][:, [2, 1, 0, 3]] * (-1, 1, -1, 1) + (
                np.array([1, 0, 1, 0])
            )
            sample["boxes"] = boxes
        if "intrinsics" in sample:
            cameras = sample["intrinsics"]
            flipped = flip_intrinsics(cameras, images.shape[2])
            mask = torch.tensor(chosen)[:, None, None]
            sample["intrinsics"] = torch.where(mask, flipped, cameras)
        return sample
