# SPDX-License-Identifier: Apache-2.0
"""A small data set in the layout of Occupancy Networks."""

import cv2
import numpy as np
import torch

from svr3d.geometry.cameras import choy_camera
from svr3d.io.binvox import write_binvox
from svr3d.io.cameras import write_cameras
from svr3d.io.occnet_lists import write_category_names
from svr3d.io.points import (
    OccupancyPoints,
    SurfacePoints,
    write_pointcloud,
    write_points,
)

MODELS = {
    "03001627": {"train": ["c2", "c0", "c1"], "val": ["c3"], "test": ["c4"]},
    "02691156": {"train": ["a0"], "val": [], "test": ["a1", "a2"]},
}
NAMES = {"03001627": "chair", "02691156": "aeroplane"}


def write_occnet(root):
    rng = np.random.default_rng(0)
    for category, splits in MODELS.items():
        for model in sum(splits.values(), []):
            write_occnet_object(root / category / model, rng)
        for split, models in splits.items():
            (root / category / f"{split}.lst").write_text("\n".join(models))
    write_category_names(root, {k: f"{v},other name" for k, v in NAMES.items()})
    return root


def write_occnet_object(folder, rng):
    images = folder / "img_choy2016"
    images.mkdir(parents=True)
    metadata = np.zeros((3, 5))
    metadata[:, 0] = rng.uniform(0, 360, 3)
    metadata[:, 3] = rng.uniform(0.65, 0.95, 3)
    for view in range(3):
        pixels = rng.integers(0, 255, (137, 137, 3), np.uint8)
        pixels = cv2.GaussianBlur(pixels, (9, 9), 4)
        cv2.imwrite(str(images / f"{view:03d}.jpg"), pixels)
    extrinsics, intrinsics = choy_camera(torch.from_numpy(metadata))
    write_cameras(images / "cameras.npz", extrinsics, intrinsics)
    write_binvox(folder / "model.binvox", rng.random((16, 16, 16)) < 0.2)
    positions = rng.uniform(-0.55, 0.55, (3000, 3)).astype(np.float16)
    inside = positions[:, 0].astype(np.float32) > 0.3
    placement = {"loc": np.array([0.1, 0.2, 0.3]), "scale": 1.5}
    write_points(folder / "points.npz", OccupancyPoints(positions, inside, **placement))
    normals = np.tile(np.float32([0, 1, 0]), (500, 1))
    surface = SurfacePoints(positions[:500], normals, **placement)
    write_pointcloud(folder / "pointcloud.npz", surface)
