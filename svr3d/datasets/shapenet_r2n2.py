# SPDX-License-Identifier: Apache-2.0
"""ShapeNet as 3D-R2N2 published it: renderings, cameras, voxels."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from svr3d.errors import ConfigError, DataError
from svr3d.geometry.cameras import choy_camera, to_object_frame
from svr3d.io.binvox import BinvoxData, read_binvox
from svr3d.io.cameras import read_rendering_metadata
from svr3d.io.splits import (
    SPLITS,
    CategorySplit,
    category_model_pairs,
    list_models,
    read_taxonomy,
)
from svr3d.registry import DATASETS

from .base import BaseShapeDataset, SampleKey
from .category_names import SHAPENET_NAMES, choose_categories
from .point_samples import PointSampling
from .rng import SampleRandom
from .views import ViewSelection, read_views


@DATASETS.register_module()
class ShapeNetR2N2(BaseShapeDataset):
    """Views, cameras and voxel grids in the layout of the 3D-R2N2 downloads.

    ::

        <data_root>/<split_file>
        <data_root>/ShapeNetRendering/<synset>/<model>/rendering/00.png ...
        <data_root>/ShapeNetRendering/<synset>/<model>/rendering/rendering_metadata.txt
        <data_root>/ShapeNetVox32/<synset>/<model>/model.binvox

    Every line of ``rendering_metadata.txt`` stands for one image, which must exist.
    Data sets that ``build_dataset.py`` makes have the same layout. Paper: Choy et al.,
    "3D-R2N2", ECCV 2016; reader: hzxie/Pix2Vox ``utils/data_loaders.py``.

    Args:
        data_root: Folder of the data set; None takes the environment variable
            ``SVR3D_DATA``.
        pipeline: Transforms of one sample.
        split: ``train``, ``val`` or ``test``.
        split_file: Split list as Pix2Vox ships it, relative to ``data_root``.
        portion: Instead of the split list, a portion of each category's sorted folders:
            3D-R2N2 trains on (0, 0.8) and tests on (0.8, 1).
        num_views: Views per sample, V.
        view_selection: ``random`` draws distinct views for every sample, ``first``
            takes views 0 to V - 1, ``fixed`` takes ``view_ids``.
        view_ids: The views of ``fixed``, at least ``num_views``.
        categories: Keep only these categories, by name or folder; order as in the
            list. None keeps all.
        rendering_folder: Folder of the images.
        voxel_folder: Folder of the grids.
        points: Query and surface points to load, or None.
        skip_missing: Leave out samples with missing or broken files.
        check_files: ``quick``, ``full`` or ``none``; see ``BaseShapeDataset``.
        max_samples: Keep only so many samples, evenly spread over the list.
        indices: Keep only these positions of the list.
        seed: Seed of the augmentation of plain integer indices.

    Raises:
        ConfigError: If an option has an impossible value.
        DataError: If a listed file is missing or broken, or an object has fewer views
            than asked for.
    """

    layout = "r2n2"

    def __init__(
        self,
        data_root: str | None = None,
        pipeline: Iterable[Mapping[str, Any] | Callable] = (),
        *,
        split: str = "train",
        split_file: str = "ShapeNet.json",
        portion: tuple[float, float] | None = None,
        num_views: int = 1,
        view_selection: str = "first",
        view_ids: Sequence[int] | None = None,
        categories: Sequence[str] | None = None,
        rendering_folder: str = "ShapeNetRendering",
        voxel_folder: str = "ShapeNetVox32",
        points: PointSampling | Mapping[str, Any] | None = None,
        skip_missing: bool = False,
        check_files: str = "quick",
        max_samples: int | None = None,
        indices: Sequence[int] | None = None,
        seed: int = 0,
    ):
        if split not in SPLITS:
            raise ConfigError(f"split must be one of {SPLITS}, found {split!r}")
        self._views = ViewSelection(num_views, view_selection, view_ids)
        self.num_views = num_views
        self.view_selection = view_selection
        self.view_ids = None if view_ids is None else list(view_ids)
        self._split_file, self._portion = split_file, portion
        self._categories = categories
        self._rendering_folder = rendering_folder
        self._voxel_folder = voxel_folder
        self._points = (
            PointSampling(**points) if isinstance(points, Mapping) else points
        )
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

    def read_voxels(self, index: int) -> np.ndarray:
        """Return only the target grid (R, R, R) uint8 of a sample."""
        return self._read_grid(self._keys[index]).voxels

    def count_views(self, index: int) -> int:
        """Return how many views a sample's object has."""
        return len(self._read_metadata(self._keys[index]))

    def _list_samples(self) -> tuple[list[SampleKey], dict[str, Any]]:
        if self._portion is None:
            source = self.data_root / self._split_file
            taxonomy = read_taxonomy(source)
        else:
            source = self.data_root / self._rendering_folder
            taxonomy = self._portion_taxonomy(list_models(source))
        taxonomy = choose_categories(taxonomy, self._categories, str(source))
        keys = [
            SampleKey(category.taxonomy_id, model, position)
            for position, category in enumerate(taxonomy)
            for model in category.of(self.split)
        ]
        meta = {
            "categories": [category.name for category in taxonomy],
            "taxonomy_ids": [category.taxonomy_id for category in taxonomy],
            "baselines": {
                category.name: dict(category.baseline)
                for category in taxonomy
                if category.baseline
            },
            "split_rule": self._split_file
            if self._portion is None
            else "portion {} to {} of sorted folders".format(*self._portion),
            "num_views": self.num_views,
            "view_selection": self.view_selection,
        }
        return keys, meta

    def _portion_taxonomy(self, models):
        """Return the categories of a folder tree with this split's portion."""
        chosen = category_model_pairs(models, self._portion)
        return [
            CategorySplit(
                folder,
                SHAPENET_NAMES.get(folder, folder),
                {self.split: [name for category, name in chosen if category == folder]},
            )
            for folder in sorted(models)
        ]

    def _problems(self, key: SampleKey) -> list[str]:
        problems = []
        try:
            self._read_grid(key)
        except DataError as error:
            problems.append(str(error))
        if self._points is not None:
            problems += self._points.problems(self.data_root, key)
        folder = self._image_folder(key)
        try:
            metadata = self._read_metadata(key)
            views = self._views.candidates(len(metadata), folder)
        except DataError as error:
            return [*problems, str(error)]
        for view in views:
            path = f"{folder}/{view:02d}.png"
            problems += self._image_problems(path)
        return problems

    def _read(
        self, key: SampleKey, rng: SampleRandom, num_views: int | None
    ) -> dict[str, Any]:
        folder = self._image_folder(key)
        metadata = self._read_metadata(key)
        views = self._views.choose(len(metadata), folder, rng, num_views)
        grid = self._read_grid(key)
        images = read_views([f"{folder}/{view:02d}.png" for view in views], folder)
        rows = metadata[views]
        height, width = images.shape[1:3]
        extrinsics, intrinsics = choy_camera(
            torch.from_numpy(rows), height=height, width=width
        )
        sample = {
            "images": images,
            "view_ids": np.array(views, np.int64),
            "view_angles": rows[:, [0, 1, 3]],
            "intrinsics": intrinsics,
            "extrinsics": to_object_frame(extrinsics, grid.translate, grid.scale),
            "voxels": grid.voxels,
        }
        if self._points is not None:
            sample |= self._points.read(self.data_root, key, rng)
        return sample

    def _image_folder(self, key):
        return (
            f"{self.data_root}/{self._rendering_folder}/{key.taxonomy_id}/{key.model}"
            "/rendering"
        )

    def _read_metadata(self, key):
        return read_rendering_metadata(
            f"{self._image_folder(key)}/rendering_metadata.txt"
        )

    def _read_grid(self, key) -> BinvoxData:
        path = (
            f"{self.data_root}/{self._voxel_folder}/{key.taxonomy_id}/{key.model}"
            "/model.binvox"
        )
        grid = read_binvox(path)
        if len(set(grid.voxels.shape)) != 1:
            raise DataError(f"{path}: expected a cube, found {grid.voxels.shape}")
        return grid
