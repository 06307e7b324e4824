# SPDX-License-Identifier: Apache-2.0
"""Random mirroring of views."""

from mmengine.registry import TRANSFORMS

from .base import BaseTransform, Sample
from .mirroring import mirror_views


@TRANSFORMS.register_module()
class RandomFlip(BaseTransform):
    """Mirror each view left to right with probability 1/2.

    The shape is not mirrored, as published: a mirrored view of an object that is not
    symmetric shows another object than the target (``RandomMirror`` mirrors both). The
    cameras stay right for the target: the focal length along x of a mirrored view
    becomes negative, so projecting the target with ``intrinsics`` and ``extrinsics``
    still meets the pixels. ``view_angles`` keep the angles of the rendering. Draws
    (Python): one integer of {0, 1} per view. Source: hzxie/Pix2Vox
    ``utils/data_transforms.py``.
    """

    def transform(self, sample: Sample) -> Sample:
        """Mirror the drawn views."""
        chosen = [sample["rng"].python.randint(0, 1) == 1 for _ in sample["images"]]
        return mirror_views(sample, chosen) if any(chosen) else sample
