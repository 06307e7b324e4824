# SPDX-License-Identifier: Apache-2.0
"""The last step: from the pipeline's arrays to the tensors of the data contract."""

import numpy as np
import torch
from mmengine.registry import TRANSFORMS

from .base import BaseTransform, Sample

_FLOAT_KEYS = (
    "intrinsics",
    "extrinsics",
    "view_angles",
    "points",
    "occupancies",
    "surface_points",
    "surface_normals",
)


@TRANSFORMS.register_module()
class PackViews(BaseTransform):
    """Turn a sample into the tensors of the data contract.

    The result has ``images`` (V, 3, H, W) float32 RGB, not normalised; ``masks``
    (V, 1, H, W) float32 where the silhouette is known; ``intrinsics`` (V, 3, 3),
    ``extrinsics`` (V, 3, 4), ``view_angles`` (V, 3) float32 where the cameras are
    known; ``view_ids`` (V,) int64; ``voxels`` (R, R, R) uint8; points where they were
    loaded; ``category`` int and ``sample_id`` str.
    """

    def transform(self, sample: Sample) -> Sample:
        """Return a new dict with the keys of the contract only."""
        images = sample["images"]
        if images.shape[-1] != 3:
            raise ValueError(
                "PackViews needs images without alpha: put RandomBackground before it, "
                f"found {images.shape[-1]} channels"
            )
        views, height, width = images.shape[:3]
        planes = np.empty((views, 3, height, width), np.float32)
        planes[:] = images[..., ::-1].transpose(0, 3, 1, 2)
        packed = {
            "images": torch.from_numpy(planes),
            "view_ids": torch.as_tensor(sample["view_ids"], dtype=torch.int64),
            "voxels": torch.from_numpy(sample["voxels"]),
            "category": int(sample["category"]),
            "sample_id": sample["sample_id"],
        }
        if "masks" in sample:
            packed["masks"] = torch.from_numpy(sample["masks"][:, None])
        for key in _FLOAT_KEYS:
            if key in sample:
                packed[key] = torch.as_tensor(sample[key], dtype=torch.float32)
        return packed
