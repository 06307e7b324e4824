# SPDX-License-Identifier: Apache-2.0
"""The files of the neural mesh renderer's data: arrays of a category and split."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from svr3d.errors import DataError
from svr3d.io.npz_rows import read_rows, read_shape
from svr3d.io.occnet_lists import parse_model_list
from svr3d.io.published_grids import to_object_frame

from .view_samples import ObjectViews


class NMRFiles:
    """The arrays of one category and split.

    Args:
        root: Folder of the data set.
        category: First part of the files' names.
        split: Second part, such as ``train`` or ``train_variants``.

    Raises:
        DataError: If the images are missing or no uint8 (N, V, 4, H, W), or the list of
            names has another length.
    """

    def __init__(self, root: Path, category: str, split: str):
        self.category = category
        stem = f"{category}_{split}"
        self.image_path = root / f"{stem}_images.npz"
        self.voxel_path = root / f"{stem}_voxels.npz"
        shape, dtype = read_shape(self.image_path)
        if len(shape) != 5 or shape[2] != 4 or dtype != np.uint8:
            raise DataError(
                f"{self.image_path}: expected uint8 (N, V, 4, H, W), found {dtype} "
                f"{shape}"
            )
        self.num_objects, self.num_views = shape[:2]
        self.models = self._read_names(root / f"{stem}_models.lst")

    @staticmethod
    def categories(root: Path, split: str) -> list[str]:
        """Return the sorted names of the categories that have images of a split."""
        end = f"_{split}_images.npz"
        return sorted(path.name.removesuffix(end) for path in root.glob(f"*{end}"))

    def views(self, wanted: ObjectViews) -> list[list[int]]:
        """Return the wanted views of each object."""
        return [
            wanted.of(f"{self.category}/{model}", self.num_views)
            for model in self.models
        ]

    def images(self, views: list[list[int]]) -> np.ndarray:
        """Return the listed views of each object, (N, K, 4, H, W) uint8.

        Args:
            views: K views of each object; no other one stays in memory.

        Raises:
            DataError: If the file is broken.
        """
        rows = read_rows(self.image_path)
        return np.stack([row[k] for row, k in zip(rows, views, strict=True)])

    def voxels(self) -> np.ndarray:
        """Return the grids (N, R, R, R) uint8 in our order [x, y, z].

        Raises:
            DataError: If the file is missing or broken, or its shape does not fit.
        """
        shape, _ = read_shape(self.voxel_path)
        if len(shape) != 4 or shape[0] != self.num_objects or len(set(shape[1:])) != 1:
            raise DataError(
                f"{self.voxel_path}: expected ({self.num_objects}, R, R, R), found "
                f"{shape}"
            )
        return np.stack(list(self._grids()))

    def _grids(self) -> Iterator[np.ndarray]:
        for grid in read_rows(self.voxel_path):
            turned = to_object_frame(grid != 0, "CVPR18")
            yield np.ascontiguousarray(turned, np.uint8)

    def _read_names(self, path: Path) -> list[str]:
        if not path.exists():  # published files have none
            return [f"{row:05d}" for row in range(self.num_objects)]
        names = parse_model_list(path.read_text(encoding="utf-8"), source=str(path))
        if len(names) != self.num_objects:
            raise DataError(
                f"{path}: expected {self.num_objects} names, found {len(names)}"
            )
        return names
