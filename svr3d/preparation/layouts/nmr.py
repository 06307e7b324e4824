# SPDX-License-Identifier: Apache-2.0
"""The layout of the neural mesh renderer's data: arrays of whole categories."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from svr3d.io.npz_rows import write_rows
from svr3d.io.occnet_lists import write_model_list
from svr3d.io.points import write_pointcloud
from svr3d.io.published_grids import from_object_frame
from svr3d.io.splits import SPLITS, CategorySplit
from svr3d.preparation.layouts.base import Layout

if TYPE_CHECKING:
    from svr3d.preparation.object_data import ObjectData

OBJECTS, POINTS = "objects", "ShapeNetPoints"
IMAGES, VOXELS, MODELS = "images.npz", "voxels.npz", "models.lst"
_KINDS = (IMAGES, VOXELS, MODELS)
_WHITE = (255, 255, 255)


class NMRLayout(Layout):
    """Files of one category and split: images, voxels, names.

    ``<category>_<split>_images.npz`` holds uint8 (N, V, 4, H, W): colours over white,
    inverted, so that the background is black, and the coverage of the object.
    ``<category>_<split>_voxels.npz`` holds bool (N, R, R, R) in the published order
    [y, x, z] of the object frame. ``<category>_<split>_models.lst`` names the objects,
    which published files do not. Objects are built one by one into
    ``objects/<category>/<model>.npz``, from which the files are joined. Copies are in
    the files of the split ``train_variants``. ``ShapeNetPoints`` holds
    ``pointcloud.npz`` of each object, as in the R2N2 layout, so that predictions can be
    compared by distances too; the published files have none. Source:
    hiroharu-kato/mesh_reconstruction (Kato et al., "Neural 3D Mesh Renderer", CVPR
    2018).
    """

    name = "nmr"
    resolution = 64
    voxel_rule = "visibility"
    wants_points = False
    cameras = "nmr"

    def object_paths(self, category: str, model: str) -> list[Path]:
        """Return the object's arrays and the folder of its points."""
        return [Path(OBJECTS, category, f"{model}.npz"), Path(POINTS, category, model)]

    def write_object(
        self, root: Path, category: str, model: str, data: ObjectData
    ) -> None:
        """Write images, voxels and points of one object."""
        from svr3d.renderers.color_renderer import composite

        path, points = (root / path for path in self.object_paths(category, model))
        for folder in (path.parent, points):
            folder.mkdir(parents=True, exist_ok=True)
        images = composite(data.images, _WHITE)
        np.subtract(255, images[..., :3], out=images[..., :3])
        images[..., 3] = data.images[..., 3]
        np.savez_compressed(
            path,
            images=images.transpose(0, 3, 1, 2),
            voxels=from_object_frame(data.voxels.astype(bool), "CVPR18"),
        )
        write_pointcloud(points / "pointcloud.npz", data.surface, half=self.float16)

    def split_files(self, root: Path, *, suffix: str = "") -> list[Path]:
        """Return the joined files of all categories that are there."""
        return sorted(
            path
            for split in SPLITS
            for kind in _KINDS
            for path in root.glob(f"*_{split}{suffix}_{kind}")
        )

    def write_splits(
        self, root: Path, splits: list[CategorySplit], *, suffix: str = ""
    ) -> None:
        """Join the objects of each category and split; with a suffix of train only."""
        old = set(self.split_files(root, suffix=suffix))
        for category in splits:
            name = category.taxonomy_id
            for split in ("train",) if suffix else SPLITS:
                models = category.of(split)
                if models:
                    stem = root / f"{name}_{split}{suffix}"
                    old -= set(self._join(root, name, models, stem))
        for path in old:  # of categories without objects
            path.unlink()

    def _join(
        self, root: Path, category: str, models: Sequence[str], stem: Path
    ) -> list[Path]:
        """Write the files of some objects of a category and return their paths."""
        paths = [stem.with_name(f"{stem.name}_{kind}") for kind in _KINDS]
        for path, key in zip(paths, ("images", "voxels"), strict=False):
            rows = (
                np.load(root / self.object_paths(category, model)[0])[key]
                for model in models
            )
            write_rows(path, rows, len(models))
        write_model_list(paths[2], models)
        return paths
