# SPDX-License-Identifier: Apache-2.0
"""Random mirroring of a whole sample: object, cameras and views."""

import numpy as np
import torch
from mmengine.registry import TRANSFORMS

from svr3d.errors import ConfigError

from .base import BaseTransform, Sample
from .mirroring import mirror_views

_AXES = {"x": 0, "z": 2}
# Points and directions (N, 3) in the object frame.
_POSITIONS = (
    "points",
    "points_iou",
    "input_points",
    "surface_points",
    "surface_normals",
)


@TRANSFORMS.register_module()
class RandomMirror(BaseTransform):
    """Mirror the object, its cameras and all its views with probability 1/2.

    The object is reflected in a vertical plane of the object frame, and each camera
    with it: what it then sees is the view mirrored left to right, so image, camera and
    shape still agree, unlike after ``RandomFlip``. An upright object that faces along
    the plane stays upright and faces the same way. Draws (Python): one integer of
    {0, 1}.

    Args:
        axis: "x" or "z", the normal of the plane.

    Raises:
        ConfigError: If ``axis`` is another word.
    """

    def __init__(self, axis: str = "x"):
        if axis not in _AXES:
            raise ConfigError(
                f"RandomMirror: axis must be 'x' or 'z', found {axis!r}; the y axis "
                "points up"
            )
        self.axis = axis

    def transform(self, sample: Sample) -> Sample:
        """Mirror the sample, or leave it."""
        if sample["rng"].python.randint(0, 1) == 0:
            return sample
        views = len(sample["images"])
        sample = mirror_views(sample, [True] * views)
        axis = _AXES[self.axis]
        if "voxels" in sample:
            sample["voxels"] = np.ascontiguousarray(np.flip(sample["voxels"], axis))
        for key in _POSITIONS:
            if key in sample:
                sample[key] = sample[key].copy()
                sample[key][:, axis] *= -1
        if "extrinsics" in sample:
            sample |= self._mirror_cameras(sample)
        if "view_angles" in sample:
            angles = torch.as_tensor(sample["view_angles"]).clone()
            half_turn = 180 if self.axis == "x" else 0
            angles[:, 0] = torch.remainder(half_turn - angles[:, 0], 360)
            sample["view_angles"] = angles
        return sample

    def _mirror_cameras(self, sample):
        """Return proper rotations and positive focal lengths for the mirrored scene.

        x_cam of the mirrored object is -x_cam of the object; the sign is taken from
        the intrinsics, whose focal length ``mirror_views`` made negative.
        """
        extrinsics = sample["extrinsics"].clone()
        extrinsics[:, :, _AXES[self.axis]] *= -1
        extrinsics[:, 0] *= -1
        intrinsics = sample["intrinsics"].clone()
        intrinsics[:, :, 0] *= -1
        return {"extrinsics": extrinsics, "intrinsics": intrinsics}
