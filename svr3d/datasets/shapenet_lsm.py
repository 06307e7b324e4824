# SPDX-License-Identifier: Apache-2.0
"""ShapeNet as the learnt stereo machine rendered it: views with depths and cameras."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from svr3d.errors import ConfigError, DataError
from svr3d.io.cameras import read_rendering_metadata
from svr3d.io.images import read_image
from svr3d.io.matlab import read_matlab_array
from svr3d.io.published_grids import to_object_frame
from svr3d.io.splits import SPLITS, CategorySplit
from svr3d.registry import DATASETS

from .base import BaseShapeDataset
from .category_names import SHAPENET_NAMES, choose_categories
from .rng import SampleRandom
from .view_bins import AngleBins
from .view_samples import ObjectViews, ViewKey
from .views import check_one_view, stack_views

CHANNEL_ORDERS = ("bgr", "rgb")
_FARTHEST_DEPTH = 250  # of 255; what is farther is background


@DATASETS.register_module()
class ShapeNetLSM(BaseShapeDataset):
    """Views of objects with masks and cameras from everywhere, each a sample.

    ::

        <data_root>/renders/<synset>/<model>/render_0.png ... render_19.png,
            depth_0.png ..., view.txt
        <data_root>/voxels/modelVoxels32/<synset>/<model>.mat
        <data_root>/splits.json

    Renderings, grids and lists of Kar et al., "Learning a multi-view stereo machine",
    NIPS 2017 (akar43/lsm, whose script fetches them; known as ``NIPS17`` to
    bomb2peng/learn3D). ``view.txt`` has azimuth, elevation, tilt and distance per line,
    ``splits.json`` models by category and split.

    A sample has ``images``, ``masks`` (depth below 250 of 255), ``view_ids``,
    ``view_classes`` (the bin of azimuth and elevation), ``view_angles`` (azimuth and
    elevation in degrees, distance, as the published camera takes them; half its field
    of view is 14.9314 degrees) and ``voxels`` in the object frame. Images keep their
    224 pixels: put ``Resize(64, filter="gaussian")`` into the pipeline.

    Args:
        data_root: Folder of the data set; None takes the environment variable
            ``SVR3D_DATA``.
        pipeline: Transforms of one sample.
        split: ``train``, ``val`` or ``test``.
        views_per_object: How many views of each object are samples, the same ones in
            every epoch. None takes all. Published training takes view 0 alone.
        view_choice: ``first`` as published, or ``drawn`` by ``view_seed`` and the
            object's name.
        view_seed: Seed of the drawn views.
        azimuth_width: Degrees of azimuth of a view class.
        elevation_width: Degrees of elevation of a view class.
        channel_order: Of packed images: ``bgr`` as published, which its weights need;
            or ``rgb``.
        voxels: Whether samples have the target grid.
        categories: Keep only these categories, by name or folder. None keeps all.
        image_folder: Folder of the images.
        voxel_folder: Folder of the grids.
        split_file: File of the lists.
        skip_missing: Leave out samples with missing or broken files.
        check_files: ``quick``, ``full`` or ``none``; see ``BaseShapeDataset``.
        max_samples: Keep only so many samples, evenly spread over the list.
        indices: Keep only these positions of the list.
        seed: Seed of the draws of plain integer indices.

    Raises:
        ConfigError: If an option has an impossible value.
        DataError: If a file is missing or broken, or nothing is left.
    """

    layout = "lsm"

    def __init__(
        self,
        data_root: str | None = None,
        pipeline: Iterable[Mapping[str, Any] | Callable] = (),
        *,
        split: str = "train",
        views_per_object: int | None = None,
        view_choice: str = "first",
        view_seed: int = 0,
        azimuth_width: float = 15,
        elevation_width: float = 20,
        channel_order: str = "bgr",
        voxels: bool = True,
        categories: Sequence[str] | None = None,
        image_folder: str = "renders",
        voxel_folder: str = "voxels/modelVoxels32",
        split_file: str = "splits.json",
        skip_missing: bool = False,
        check_files: str = "quick",
        max_samples: int | None = None,
        indices: Sequence[int] | None = None,
        seed: int = 0,
    ):
        for name, value, choices in (
            ("split", split, SPLITS),
            ("channel_order", channel_order, CHANNEL_ORDERS),
        ):
            if value not in choices:
                raise ConfigError(f"{name} must be one of {choices}, found {value!r}")
        self._views = ObjectViews(views_per_object, view_choice, view_seed)
        self._bins = AngleBins(azimuth_width, elevation_width)
        self._bgr, self._with_voxels = channel_order == "bgr", voxels
        self._categories, self._split_file = categories, split_file
        self._image_folder, self._voxel_folder = image_folder, voxel_folder
        super().__init__(
            data_root,
            pipeline,
            split=split,
            skip_missing=skip_missing,
            check_files=check_files,
            max_samples=max_samples,
            indices=indices,
            seed=seed,
        )

    @property
    def num_view_classes(self) -> int:
        """Number of bins of azimuth and elevation, occupied or not."""
        return len(self._bins)

    def read_voxels(self, index: int) -> np.ndarray:
        """Return only the target grid (R, R, R) uint8 of a sample."""
        return self._grid(self._keys[index])

    def count_views(self, index: int) -> int:
        """Return how many views a sample may show."""
        return 1

    def _list_samples(self) -> tuple[list[ViewKey], dict[str, Any]]:
        lists = self._read_lists()
        taxonomy = choose_categories(
            [CategorySplit(name, SHAPENET_NAMES.get(name, name), {}) for name in lists],
            self._categories,
            str(self.data_root / self._split_file),
        )
        keys, self._rows = [], {}
        for position, category in enumerate(taxonomy):
            name = category.taxonomy_id
            for row, model in enumerate(lists[name]):
                rows = self._read_rows(name, model)
                self._rows[name, model] = rows
                views = self._views.of(f"{name}/{model}", len(rows))
                keys += [
                    ViewKey(name, model, position, row, view, len(views) == 1)
                    for view in views
                ]
        meta = {
            "categories": [category.name for category in taxonomy],
            "taxonomy_ids": [category.taxonomy_id for category in taxonomy],
            "num_views": 1,
            "views_per_object": self._views.count,
            "view_selection": self._views.choice if self._views.count else "all",
            "num_view_classes": len(self._bins),
            "channel_order": "bgr" if self._bgr else "rgb",
        }
        return keys, meta

    def _read_lists(self) -> dict[str, list[str]]:
        """Return the models of the split by category."""
        path = self.data_root / self._split_file
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise DataError(
                f"{path}: expected JSON, found an error: {error}"
            ) from error
        if not isinstance(content, dict) or not all(
            isinstance(entry, dict) and isinstance(entry.get(self.split, []), list)
            for entry in content.values()
        ):
            raise DataError(
                f"{path}: expected lists of models by category and split, such as "
                f'{{"03001627": {{"{self.split}": [..]}}}}'
            )
        return {name: entry.get(self.split, []) for name, entry in content.items()}

    def _folder(self, category: str, model: str) -> Path:
        return self.data_root / self._image_folder / category / model

    def _read_rows(self, category: str, model: str) -> np.ndarray:
        """Return azimuth, elevation, tilt and distance (V, 4) of an object's views."""
        path = self._folder(category, model) / "view.txt"
        rows = read_rendering_metadata(path, columns=(4,))
        self._bins.classes(rows, source=str(path))
        return rows

    def _voxel_path(self, key: ViewKey) -> Path:
        return (
            self.data_root / self._voxel_folder / key.taxonomy_id / f"{key.model}.mat"
        )

    def _problems(self, key: ViewKey) -> list[str]:
        folder = self._folder(key.taxonomy_id, key.model)
        problems = []
        for kind in ("render", "depth"):
            path = folder / f"{kind}_{key.view}.png"
            problems += self._image_problems(str(path))
        path = self._voxel_path(key)
        if self._with_voxels and not path.is_file():
            problems.append(f"{path}: missing")
        return problems

    def _grid(self, key: ViewKey) -> np.ndarray:
        path = self._voxel_path(key)
        grid = read_matlab_array(path, "Volume")
        if grid.ndim != 3 or len(set(grid.shape)) != 1:
            raise DataError(f"{path}: expected Volume (R, R, R), found {grid.shape}")
        return np.ascontiguousarray(to_object_frame(grid != 0, "NIPS17"), np.uint8)

    def _read(
        self, key: ViewKey, rng: SampleRandom, num_views: int | None
    ) -> dict[str, Any]:
        check_one_view(num_views, type(self).__name__)
        folder = self._folder(key.taxonomy_id, key.model)
        image = read_image(folder / f"render_{key.view}.png")[..., :3]
        depth = read_image(folder / f"depth_{key.view}.png")[..., 0]
        if image.shape[:2] != depth.shape:
            raise DataError(
                f"{folder}: expected images and depths of one size, found "
                f"{image.shape[:2]} and {depth.shape} in view {key.view}"
            )
        # The pipeline takes BGR and packs RGB: turned round, it packs BGR.
        images = stack_views([image[..., ::-1] if self._bgr else image], key.sample_id)
        rows = self._rows[key.taxonomy_id, key.model][key.view : key.view + 1]
        sample = {
            "images": images,
            "masks": (depth < _FARTHEST_DEPTH)[None].astype(np.float32),
            "view_ids": np.array([key.view], np.int64),
            "view_classes": self._bins.classes(rows, source=key.sample_id),
            "view_angles": rows[:, [0, 1, 3]].astype(np.float32),
        }
        if self._with_voxels:
            sample["voxels"] = self._grid(key)
        return sample
