# SPDX-License-Identifier: Apache-2.0
"""Where AtlasNet's data lie: clouds, renderings, names, and which models are in."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from svr3d.errors import DataError
from svr3d.io.cameras import read_rendering_metadata
from svr3d.io.splits import CategorySplit

from .base import SampleKey
from .category_names import SHAPENET_NAMES

TRAIN_SHARE = 0.8
CLOUD_SUFFIX = ".npy"
# Renderings of 3D-R2N2 have five numbers a line, those with limited yaw ten; the first
# four mean the same.
_METADATA_COLUMNS = (5, 10)


@dataclass(frozen=True)
class AtlasNetFiles:
    """The folders of a data set in AtlasNet's layout.

    Attributes:
        root: Folder of the data set.
        cloud_folder: Folder of the clouds, ``<synset>/<model>.points.ply.npy``.
        rendering_folder: Folder of the renderings, ``<synset>/<model>/``.
        image_folder: Folder of the images inside of a model's, with
            ``rendering_metadata.txt``.
    """

    root: Path
    cloud_folder: str = "ShapeNetV1PointCloud"
    rendering_folder: str = "ShapeNetV1Renderings"
    image_folder: str = "rendering"

    def categories(self) -> list[CategorySplit]:
        """Return the categories that have clouds, without models, sorted by folder.

        Names are those of ``taxonomy.json`` up to the first comma, if it is there.

        Raises:
            DataError: If there is no category, or ``taxonomy.json`` is broken.
        """
        folder = self.root / self.cloud_folder
        names = SHAPENET_NAMES | self._names()
        found = sorted(p.name for p in folder.glob("*") if p.is_dir())
        if not found:
            raise DataError(f"{folder}: expected folders of categories, found none")
        return [CategorySplit(name, names.get(name, name), {}) for name in found]

    def clouds(self, category: str) -> list[str]:
        """Return the names of the clouds of a category, sorted."""
        with os.scandir(self.root / self.cloud_folder / category) as entries:
            return sorted(e.name for e in entries if e.name.endswith(CLOUD_SUFFIX))

    def images(self, category: str, model: str) -> str:
        """Return the folder of a model's images."""
        parts = (self.rendering_folder, category, model, self.image_folder)
        return "/".join((str(self.root), *filter(None, parts)))

    def image(self, key: SampleKey, view: int) -> str:
        """Return the path of an image."""
        return f"{self.images(key.taxonomy_id, key.model)}/{view:02d}.png"

    def view_angles(self, key: SampleKey, view: int) -> np.ndarray:
        """Return azimuth, elevation (degrees) and distance ratio (3,) of a view.

        Raises:
            DataError: If the file of the cameras is broken or has no such line.
        """
        path = f"{self.images(key.taxonomy_id, key.model)}/rendering_metadata.txt"
        rows = read_rendering_metadata(path, columns=_METADATA_COLUMNS)
        if view >= len(rows):
            raise DataError(
                f"{path}: expected a line for view {view}, found {len(rows)} lines"
            )
        return rows[view, [0, 1, 3]]

    def _names(self) -> dict[str, str]:
        path = self.root / "taxonomy.json"
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
            return {e["synsetId"]: e["name"].split(",")[0] for e in entries}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(
                f"{path}: expected a list of objects with synsetId and name, found "
                f"{type(error).__name__}: {error}"
            ) from error


def split_names(names: list[str], split: str, *, validation_share: float) -> list[str]:
    """Return the part of a category's sorted clouds that belongs to a split.

    The first ``int(0.8 n)`` train and the others test, as published. A validation
    split is the end of what trains.

    Args:
        names: All clouds of the category, sorted.
        split: ``train``, ``val`` or ``test``.
        validation_share: Share of all clouds that validate.
    """
    end = int(TRAIN_SHARE * len(names))
    start = end - int(validation_share * len(names))
    parts = {"train": (0, start), "val": (start, end), "test": (end, len(names))}
    low, high = parts[split]
    return names[low:high]
