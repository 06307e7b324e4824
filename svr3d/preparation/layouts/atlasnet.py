# SPDX-License-Identifier: Apache-2.0
"""The layout of AtlasNet's data: clouds with normals, renderings, limited yaw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from svr3d.io.cameras import write_cameras, write_rendering_metadata
from svr3d.io.splits import SPLITS, CategorySplit
from svr3d.preparation.layouts.base import Layout
from svr3d.preparation.png import write_png

if TYPE_CHECKING:
    from svr3d.preparation.object_data import ObjectData

CLOUDS = "ShapeNetV1PointCloud"
RENDERINGS = "ShapeNetV1Renderings"
LIMITED = "ShapeNetV1RenderingAnglelimit/ShapeNetV1RenderingSampleYaw{yaw:03d}/image"
CLOUD_SUFFIX = ".points.ply.npy"


class AtlasNetLayout(Layout):
    """Clouds ``<category>/<model>.points.ply.npy`` and renderings beside them.

    ``ShapeNetV1PointCloud`` holds the clouds, (N, 6) float32 of positions in the object
    frame and normals; ``ShapeNetV1Renderings/../rendering/`` holds ``NN.png``,
    ``rendering_metadata.txt`` and, with the same cameras in the object frame,
    ``cameras.npz``. Each limit of the yaw has a set of its own below
    ``ShapeNetV1RenderingAnglelimit`` with one image of each model, ``easy/00.png``, and
    a line of ten numbers. ``taxonomy.json`` names the categories. There are no lists:
    readers take the first 80 % of the sorted clouds for training, so clouds of meshes
    that are gone are removed. Source: ThibaultGROUEIX/AtlasNet,
    YefanZhou/dispersion-score.
    """

    name = "atlasnet"
    wants_solids = False

    def object_paths(self, category: str, model: str) -> list[Path]:
        """Return the object's cloud and the folders of its renderings."""
        sets = [RENDERINGS, *(LIMITED.format(yaw=yaw) for yaw in self.yaw_ranges)]
        return [
            Path(CLOUDS, category, f"{model}{CLOUD_SUFFIX}"),
            *(Path(name, category, model) for name in sets),
        ]

    def write_object(
        self, root: Path, category: str, model: str, data: ObjectData
    ) -> None:
        """Write cloud, images and cameras of one object."""
        cloud, renderings, *limited = (
            root / path for path in self.object_paths(category, model)
        )
        cloud.parent.mkdir(parents=True, exist_ok=True)
        rows = np.hstack([data.surface.points, data.surface.normals])
        np.save(cloud, rows.astype(np.float32))
        folder = renderings / "rendering"
        _write_images(folder, data.images, data.metadata)
        write_cameras(folder / "cameras.npz", data.extrinsics, data.intrinsics)
        for path, yaw in zip(limited, self.yaw_ranges, strict=True):
            image, row = data.limited[yaw]
            _write_images(path / "easy", image[None], row[None])

    def split_files(self, root: Path, *, suffix: str = "") -> list[Path]:
        """Return the path of ``taxonomy<suffix>.json``."""
        return [root / f"taxonomy{suffix}.json"]

    def write_splits(
        self, root: Path, splits: list[CategorySplit], *, suffix: str = ""
    ) -> None:
        """Write the names of the categories; remove what belongs to no object."""
        entries = [{"synsetId": s.taxonomy_id, "name": s.name} for s in splits]
        for path in self.split_files(root, suffix=suffix):
            path.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
        there = {
            root / self.object_paths(category.taxonomy_id, model)[0]
            for category in splits
            for split in SPLITS
            for model in category.of(split)
        }
        for path in (root / CLOUDS).glob(f"*/*{CLOUD_SUFFIX}"):
            if path not in there:
                path.unlink()
        for folder in (root / CLOUDS).iterdir():
            if not any(folder.iterdir()):
                folder.rmdir()


def _write_images(folder: Path, images: np.ndarray, metadata: np.ndarray) -> None:
    """Write images (V, H, W, 4) and the lines of their cameras."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, image in enumerate(images):
        write_png(folder / f"{index:02d}.png", image)
    write_rendering_metadata(folder / "rendering_metadata.txt", metadata)
