# SPDX-License-Identifier: Apache-2.0
"""Small data sets in the published layouts."""

import cv2
import numpy as np
import pytest
import torch

from svr3d.geometry.cameras import choy_camera
from svr3d.io.binvox import write_binvox
from svr3d.io.cameras import write_cameras, write_rendering_metadata
from svr3d.io.occnet_lists import write_category_names
from svr3d.io.points import (
    OccupancyPoints,
    SurfacePoints,
    write_pointcloud,
    write_points,
)
from svr3d.io.splits import CategorySplit, write_taxonomy

SIZE = 64
NUM_VIEWS = 6
TRANSLATE, SCALE = (-0.3, -0.2, -0.4), 0.8
MODELS = {
    "03001627": {"train": ["c2", "c0", "c1"], "val": ["c3"], "test": ["c4"]},
    "02691156": {"train": ["a0"], "val": [], "test": ["a1", "a2"]},
}
NAMES = {"03001627": "chair", "02691156": "aeroplane"}


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """A data set in the R2N2 layout; tests that change it take ``own_tree``."""
    return write_r2n2(tmp_path_factory.mktemp("r2n2"))


@pytest.fixture
def own_tree(tmp_path):
    """A data set in the R2N2 layout of this test alone."""
    return write_r2n2(tmp_path / "r2n2")


@pytest.fixture(scope="session")
def occnet_tree(tmp_path_factory):
    """A data set of occupancy networks; tests that change it take their own."""
    return write_occnet(tmp_path_factory.mktemp("occnet"))


@pytest.fixture
def own_occnet_tree(tmp_path):
    """A data set of occupancy networks of this test alone."""
    return write_occnet(tmp_path / "occnet")


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


def write_r2n2(root):
    rng = np.random.default_rng(0)
    entries = []
    for category, splits in MODELS.items():
        for model in sum(splits.values(), []):
            write_object(root, category, model, rng)
        baseline = {"1-view": 0.5} if category == "03001627" else {}
        entries.append(CategorySplit(category, NAMES[category], splits, baseline))
    write_taxonomy(root / "ShapeNet.json", entries)
    return root


def write_object(root, category, model, rng):
    images = root / "ShapeNetRendering" / category / model / "rendering"
    images.mkdir(parents=True)
    for view in range(NUM_VIEWS):
        pixels = rng.integers(0, 255, (SIZE, SIZE, 4), np.uint8)
        pixels[..., 3] = 0
        pixels[12:52, 8:40, 3] = 255
        cv2.imwrite(str(images / f"{view:02d}.png"), pixels)
    metadata = np.zeros((NUM_VIEWS, 5))
    metadata[:, 0] = rng.uniform(0, 360, NUM_VIEWS)
    metadata[:, 1] = rng.uniform(25, 30, NUM_VIEWS)
    metadata[:, 3] = rng.uniform(0.65, 0.95, NUM_VIEWS)
    metadata[:, 4] = 25
    write_rendering_metadata(images / "rendering_metadata.txt", metadata)
    grids = root / "ShapeNetVox32" / category / model
    grids.mkdir(parents=True)
    voxels = rng.random((16, 16, 16)) < 0.2
    write_binvox(grids / "model.binvox", voxels, translate=TRANSLATE, scale=SCALE)
    points = root / "ShapeNetPoints" / category / model
    points.mkdir(parents=True)
    positions = rng.uniform(-0.5, 0.5, (200, 3)).astype(np.float32)
    inside = positions[:, 0] > 0
    write_points(points / "points.npz", OccupancyPoints(positions, inside))
    normals = np.tile(np.float32([0, 1, 0]), (200, 1))
    write_pointcloud(points / "pointcloud.npz", SurfacePoints(positions, normals))
