# SPDX-License-Identifier: Apache-2.0
"""Where the images, masks, poses and clouds of DRC lie, as files in folders."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from svr3d.errors import DataError
from svr3d.io.cameras import read_rendering_metadata
from svr3d.io.image_lists import read_image_list, read_neighbors, split_image_name
from svr3d.io.images import read_image
from svr3d.io.points import read_cloud

from .category_names import SHAPENET_NAMES


class DRCKey(NamedTuple):
    """Which object a sample shows, and from which view.

    Attributes:
        taxonomy_id: Folder name of the category.
        model: Name of the model.
        category: Position of the category in ``metainfo['categories']``.
        view: The view that the list names.
    """

    taxonomy_id: str
    model: str
    category: int
    view: int

    @property
    def sample_id(self) -> str:
        """Identifier ``<category>/<model>``."""
        return f"{self.taxonomy_id}/{self.model}"

    @property
    def image_name(self) -> str:
        """Name ``<model>_<view>`` of the listed image."""
        return f"{self.model}_{self.view}"


@dataclass
class DRCFolders:
    """The folders of a data set in the layout of the DRC renderings.

    Attributes:
        root: Folder of the data set.
        image_folder: Folder of ``<synset>/<model>/render_<view>.png`` and what lies
            beside them.
        cloud_folder: Folder of ``<synset>/<model>/<cloud_name>.npy``.
        split_folder: Folder of ``images_list_<synset>_<split>.npy``.
        list_suffix: Added to the names of the training lists; ``_variants`` trains on
            deformed copies, too, where the builder made any.
        neighbor_file: File of the nearest neighbours of a category's training images.
        cloud_name: Name of the clouds; those with colours end in ``_colors``.
        part_file: File of a view's part labels.
    """

    root: Path
    image_folder: str = "ShapeNet_rendered"
    cloud_folder: str = "ShapeNet_v1"
    split_folder: str = "splits"
    list_suffix: str = ""
    neighbor_file: str = "knn_list_{category}.npy"
    cloud_name: str = "pcl_1024_fps_trimesh"
    part_file: str = "parts_{view}.png"
    _neighbors: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def categories(self) -> dict[str, str]:
        """Return the names of the categories that have lists, by folder, sorted."""
        folder = self.root / self.split_folder
        stems = [path.stem for path in folder.glob("images_list_*_train.npy")]
        stems += [path.stem for path in folder.glob("images_list_*_val.npy")]
        stems += [path.stem for path in folder.glob("images_list_*_test.npy")]
        found = {s.removeprefix("images_list_").rpartition("_")[0] for s in stems}
        return {name: SHAPENET_NAMES.get(name, name) for name in sorted(found)}

    def images(self, category: str, split: str) -> list[tuple[str, int]]:
        """Return model and view of the listed images; none without a list."""
        suffix = self.list_suffix if split == "train" else ""
        name = f"images_list_{category}_{split}{suffix}.npy"
        path = self.root / self.split_folder / name
        return read_image_list(path) if path.exists() else []

    def render_path(self, key: DRCKey, view: int, kind: str = "render") -> str:
        """Return the path of an image, or of a mask with ``kind='mask'``."""
        return f"{self._views(key.taxonomy_id, key.model)}/{kind}_{view}.png"

    def cloud_path(self, key: DRCKey, *, colors: bool = False) -> str:
        """Return the path of a cloud."""
        suffix = "_colors" if colors else ""
        folder = f"{self.root}/{self.cloud_folder}/{key.taxonomy_id}/{key.model}"
        return f"{folder}/{self.cloud_name}{suffix}.npy"

    def part_path(self, key: DRCKey, view: int) -> str:
        """Return the path of a map of part labels."""
        name = self.part_file.format(view=view)
        return f"{self._views(key.taxonomy_id, key.model)}/{name}"

    def image(self, key: DRCKey, view: int) -> np.ndarray:
        """Return an image (H, W, 3 or 4) uint8 BGR or BGRA."""
        return read_image(self.render_path(key, view))

    def mask(self, key: DRCKey, view: int) -> np.ndarray:
        """Return a mask (H, W) uint8."""
        return read_image(self.render_path(key, view, "mask"))[..., 0]

    def part_map(self, key: DRCKey, view: int) -> np.ndarray:
        """Return the label of each pixel (H, W), 0 where there is nothing."""
        return read_image(self.part_path(key, view))[..., 0]

    def poses(self, key: DRCKey) -> np.ndarray:
        """Return azimuth and elevation (V, 2) of all views in radians.

        Raises:
            DataError: If ``view.txt`` is missing or broken.
        """
        path = f"{self._views(key.taxonomy_id, key.model)}/view.txt"
        return np.deg2rad(read_rendering_metadata(path, columns=(4,))[:, :2])

    def cloud(self, key: DRCKey, *, colors: bool = False) -> np.ndarray:
        """Return the points (N, 3), or with their colours (N, 6)."""
        columns = (6,) if colors else (3,)
        return read_cloud(self.cloud_path(key, colors=colors), columns=columns)

    def neighbors(self, key: DRCKey) -> list[str]:
        """Return the names of the nearest images, nearest first; none without a row."""
        category = key.taxonomy_id
        if category not in self._neighbors:
            name = self.neighbor_file.format(category=category)
            self._neighbors[category] = read_neighbors(self.root / name)
        return self._neighbors[category].get(key.image_name, [])

    def neighbor(self, key: DRCKey, place: int) -> tuple[np.ndarray, np.ndarray]:
        """Return image and mask of a neighbour, 0 being the nearest."""
        name = self.neighbors(key)[place]
        model, view = split_image_name(name, source=f"neighbours of {key.sample_id}")
        other = key._replace(model=model, view=view)
        return self.image(other, view), self.mask(other, view)

    def _views(self, category: str, model: str) -> str:
        return f"{self.root}/{self.image_folder}/{category}/{model}"


def pose_of(poses: np.ndarray, view: int, source: str) -> np.ndarray:
    """Return the pose (2,) of a view.

    Raises:
        DataError: If there is no such view.
    """
    if view >= len(poses):
        raise DataError(
            f"{source}: expected a pose for view {view}, found {len(poses)} poses"
        )
    return poses[view]
