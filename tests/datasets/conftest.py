# SPDX-License-Identifier: Apache-2.0
"""Small data sets in the published layouts."""

import cv2
import numpy as np
import pytest
from occnet_trees import MODELS, NAMES, write_occnet

from svr3d.io.binvox import write_binvox
from svr3d.io.cameras import write_rendering_metadata
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
