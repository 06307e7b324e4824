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
    "points_iou",
    "occupancies_iou",
    "input_points",
    "surface_points",
    "surface_normals",
    "camera_rotation",
    "shape_parameter",
    "poses",
    "rotations",
    "surface_colors",
)


@TRANSFORMS.register_module()
class PackViews(BaseTransform):
    """Turn a sample into the tensors of the data contract.

    The result has ``images`` (V, 3, H, W) float32 RGB, not normalised; ``masks``
    (V, 1, H, W) float32 where the silhouette is known; ``intrinsics`` (V, 3, 3),
    ``extrinsics`` (V, 3, 4), ``view_angles`` (V, 3) and ``rotations`` (V, 3, 3) float32
    where the cameras are known; ``view_ids`` (V,) int64 and ``view_classes`` (V,) int64
    where views have classes; ``voxels`` (R, R, R) uint8 and points where they
    were loaded; ``camera_rotation`` (3, 3) of targets in the viewer's frame;
    ``category`` int and ``sample_id`` str; of single-image collections ``poses`` (V, 2)
    float32, ``surface_colors`` (N, 3), ``part_maps`` (V, H, W) int64, and of a
    neighbour ``neighbor_images`` (1, 3, H, W) and ``neighbor_masks``, shaped as masks.

    Args:
        mask_channel: Whether masks have an axis of channels; without it they are
            (V, H, W).
        with_index: Add ``index``, the position in the data set, for networks that learn
            a code of each object.
    """

    def __init__(self, with_index: bool = False, *, mask_channel: bool = True):
        self.with_index = with_index
        self.mask_channel = mask_channel

    def transform(self, sample: Sample) -> Sample:
        """Return a new dict with the keys of the contract only."""
        packed = {}
        if "images" in sample:
            packed["images"] = _planes(sample["images"])
            packed["view_ids"] = torch.as_tensor(sample["view_ids"], dtype=torch.int64)
        if "view_classes" in sample:
            packed["view_classes"] = torch.as_tensor(sample["view_classes"])
        if "voxels" in sample:
            packed["voxels"] = torch.from_numpy(sample["voxels"])
        if "neighbor_images" in sample:
            packed["neighbor_images"] = _planes(sample["neighbor_images"])
        for key in ("masks", "neighbor_masks"):
            if key in sample:
                masks = torch.from_numpy(sample[key])
                packed[key] = masks[:, None] if self.mask_channel else masks
        if "part_maps" in sample:
            packed["part_maps"] = torch.as_tensor(sample["part_maps"])
        for key in _FLOAT_KEYS:
            if key in sample:
                packed[key] = torch.as_tensor(sample[key], dtype=torch.float32)
        if self.with_index:
            packed["index"] = int(sample["index"])
        packed["category"] = int(sample["category"])
        packed["sample_id"] = sample["sample_id"]
        return packed


def _planes(images):
    """Return views (V, H, W, 3) BGR as a tensor (V, 3, H, W) RGB."""
    if images.shape[-1] != 3:
        raise ValueError(
            "PackViews needs images without alpha: put RandomBackground before it, "
            f"found {images.shape[-1]} channels"
        )
    views, height, width = images.shape[:3]
    planes = np.empty((views, 3, height, width), np.float32)
    planes[:] = images[..., ::-1].transpose(0, 3, 1, 2)
    return torch.from_numpy(planes)
