# SPDX-License-Identifier: Apache-2.0
"""Mirrors views left to right, with everything that lies in the image plane."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from svr3d.geometry.cameras import flip_intrinsics

from .base import Sample


def mirror_views(sample: Sample, chosen: Sequence[bool]) -> Sample:
    """Return the sample with the chosen views mirrored left to right.

    Images, masks and boxes are mirrored; the focal length along x of a mirrored view
    becomes negative, so that the cameras still meet the same pixels.

    Args:
        sample: A sample of the pipeline.
        chosen: (V,) which views to mirror.
    """
    sample = dict(sample)
    width = sample["images"].shape[2]
    chosen = np.asarray(chosen, bool)
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
        flipped = flip_intrinsics(cameras, width)
        mask = torch.from_numpy(chosen)[:, None, None]
        sample["intrinsics"] = torch.where(mask, flipped, cameras)
    return sample
