# SPDX-License-Identifier: Apache-2.0
"""ShapeNet as Occupancy Networks published it: renderings, points, voxels."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from svr3d.errors import ConfigError, DataError
from svr3d.geometry.cameras import to_object_frame
from svr3d.io.binvox import read_binvox
from svr3d.io.cameras import read_cameras
from svr3d.io.occnet_lists import read_category_names, read_model_list
from svr3d.io.points import read_points
from svr3d.io.splits import SPLITS, CategorySplit
from svr3d.registry import DATASETS

from .base import BaseShapeDataset, SampleKey
from .category_names import choose_categories
from .point_samples import PointSampling
from .rng import SampleRandom
from .views import ViewSelection, read_views

_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


@DATASETS.register_module()
class OccNetDataset(BaseShapeDataset):
    """Views, points and grids in the layout of Occupancy Networks' download.

    ::

        <data_root>/metadata.yaml                       names of the categories
        <data_root>/<synset>/{train,val,test}.lst       models, one per line
        <data_root>/<synset>/<model>/points.npz         query points, packed labels
        <data_root>/<synset>/<model>/pointcloud.npz     surface points, normals
        <data_root>/<synset>/<model>/model.binvox
        <data_root>/<synset>/<model>/img_choy2016/000.jpg ..., cameras.npz

    Data sets of ``build_dataset.py --layout occnet`` are the same. Without
    ``metadata.yaml`` categories are called by their folders. Paper: Mescheder et al.,
    "Occupancy Networks", CVPR 2019; reader: autonomousvision/occupancy_networks
    ``im2mesh/data``.

    Differs from the published reader: lines that are blank are no models; an object
    with a missing or broken file stops the run or is left out by ``skip_missing``,
    where it was dropped from its batch; random numbers follow the sample's seed.

    Args:
        data_root: Folder of the data set; None takes the environment variable
            ``SVR3D_DATA``.
        pipeline: Transforms of one sample.
        split: ``train``, ``val`` or ``test``.
        split_file: Name of the lists of models; None for ``<split>.lst``.
        num_views: Views per sample, V; 0 for none, for networks that see points or
            voxels.
        view_selection: ``random`` draws distinct views for every sample, as in
            published training; ``first`` takes views 0 to V - 1, as in published
            evaluation; ``fixed`` takes ``view_ids``.
        view_ids: The views of ``fixed``, at least ``num_views``.
        categories: Keep only these categories, by name or folder, in this order. None
            keeps all folders, in the order of their names.
        image_folder: Folder of an object's images; they count in the order of their
            names.
        voxels_file: Grid of an object; None to load none.
        cameras: Read ``cameras.npz``: ``intrinsics``, and ``extrinsics`` of the object
            frame.
        points: Query and surface points to load, or None; ``folder`` need not be
            given.
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

    layout = "occnet"

    def __init__(
        self,
        data_root: str | None = None,
        pipeline: Iterable[Mapping[str, Any] | Callable] = (),
        *,
        split: str = "train",
        split_file: str | None = None,
        num_views: int = 1,
        view_selection: str = "first",
        view_ids: Sequence[int] | None = None,
        categories: Sequence[str] | None = None,
        image_folder: str = "img_choy2016",
        voxels_file: str | None = "model.binvox",
        cameras: bool = False,
        points: PointSampling | Mapping[str, Any] | None = None,
        skip_missing: bool = False,
        check_files: str = "quick",
        max_samples: int | None = None,
        indices: Sequence[int] | None = None,
        seed: int = 0,
    ):
        if split not in SPLITS:
            raise ConfigError(f"split must be one of {SPLITS}, found {split!r}")
        self._views = (
            ViewSelection(num_views, view_selection, view_ids) if num_views else None
        )
        if cameras and not num_views:
            raise ConfigError("cameras=True needs views, found num_views=0")
        self.num_views = num_views
        self.view_selection = view_selection
        self._split_file = split_file or f"{split}.lst"
        self._categories = None if categories is None else list(categories)
        self._image_folder = image_folder
        self._voxels_file = voxels_file
        self._cameras = cameras
        if isinstance(points, Mapping):
            points = PointSampling(**{"folder": ".", **points})
        self._points = points
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
        """Return only the target grid (R, R, R) uint8 of a sample.

        Raises:
            ConfigError: If the data set was told to load no grids.
        """
        if self._voxels_file is None:
            raise ConfigError("read_voxels needs voxels_file, found None")
        return self._read_grid(self._keys[index])

    def count_views(self, index: int) -> int:
        """Return how many views a sample's object has."""
        return len(self._list_images(self._object_folder(self._keys[index])))

    def _list_samples(self) -> tuple[list[SampleKey], dict[str, Any]]:
        taxonomy = self._read_lists()
        keys = [
            SampleKey(category.taxonomy_id, model, position)
            for position, category in enumerate(taxonomy)
            for model in category.of(self.split)
        ]
        meta = {
            "categories": [category.name for category in taxonomy],
            "taxonomy_ids": [category.taxonomy_id for category in taxonomy],
            "split_rule": self._split_file,
            "num_views": self.num_views,
            "view_selection": self.view_selection,
        }
        return keys, meta

    def _read_lists(self) -> list[CategorySplit]:
        """Return the categories with the models of this split."""
        names = read_category_names(self.data_root)
        folders = sorted(p.name for p in self.data_root.iterdir() if p.is_dir())
        # Hidden folders, such as a builder's own, hold no objects.
        folders = [folder for folder in folders if not folder.startswith(".")]
        taxonomy = [CategorySplit(f, names.get(f, f), {}) for f in folders]
        if not taxonomy:
            raise DataError(
                f"{self.data_root}: expected folders of categories, found none"
            )
        chosen = choose_categories(taxonomy, self._categories, str(self.data_root))
        wanted = self._categories
        if wanted is not None:
            chosen.sort(
                key=lambda c: wanted.index(
                    c.name if c.name in wanted else c.taxonomy_id
                )
            )
        return [
            CategorySplit(
                category.taxonomy_id,
                category.name,
                {self.split: self._read_list(category.taxonomy_id)},
            )
            for category in chosen
        ]

    def _read_list(self, folder):
        return read_model_list(self.data_root / folder / self._split_file)

    def _problems(self, key: SampleKey) -> list[str]:
        problems = []
        folder = self._object_folder(key)
        if self._voxels_file is not None:
            try:
                self._read_grid(key)
            except DataError as error:
                problems.append(str(error))
        if self._points is not None:
            problems += self._points.problems(self.data_root, key)
        if self._views is None:
            return problems
        try:
            names = self._list_images(folder)
            views = self._views.candidates(len(names), self._images(folder))
            if self._cameras:
                self._read_cameras(folder, len(names))
        except DataError as error:
            return [*problems, str(error)]
        for view in views:
            problems += self._image_problems(f"{self._images(folder)}/{names[view]}")
        return problems

    def _read(
        self, key: SampleKey, rng: SampleRandom, num_views: int | None
    ) -> dict[str, Any]:
        folder = self._object_folder(key)
        sample = {}
        if self._views is not None:
            names = self._list_images(folder)
            place = self._images(folder)
            views = self._views.choose(len(names), place, rng, num_views)
            sample["images"] = read_views([f"{place}/{names[v]}" for v in views], place)
            sample["view_ids"] = np.array(views, np.int64)
            if self._cameras:
                extrinsics, intrinsics = self._read_cameras(folder, len(names))
                sample["extrinsics"] = extrinsics[views]
                sample["intrinsics"] = intrinsics[views]
        if self._voxels_file is not None:
            sample["voxels"] = self._read_grid(key)
        if self._points is not None:
            sample |= self._points.read(self.data_root, key, rng)
        return sample

    def _object_folder(self, key):
        return f"{self.data_root}/{key.taxonomy_id}/{key.model}"

    def _images(self, folder):
        return f"{folder}/{self._image_folder}"

    def _list_images(self, folder) -> list[str]:
        """Return the names of an object's images, sorted."""
        place = self._images(folder)
        try:
            names = os.listdir(place)
        except OSError as error:
            raise DataError(
                f"{place}: expected a folder of images: {error.strerror}"
            ) from error
        return sorted(n for n in names if n.lower().endswith(_IMAGE_SUFFIXES))

    def _read_cameras(self, folder, count):
        """Return cameras of the object frame.

        The file's are of the mesh before it was centred and scaled, which ``loc`` and
        ``scale`` of the points tell: its points are ``scale p + loc``.
        """
        path = f"{self._images(folder)}/cameras.npz"
        extrinsics, intrinsics = map(torch.from_numpy, read_cameras(path))
        if len(extrinsics) != count:
            raise DataError(
                f"{path}: expected cameras of {count} images, found {len(extrinsics)}"
            )
        name = "points.npz" if self._points is None else self._points.points_file
        stored = read_points(f"{folder}/{name}")
        corner = torch.from_numpy(stored.loc) - stored.scale / 2
        return to_object_frame(extrinsics, corner, stored.scale), intrinsics

    def _read_grid(self, key) -> np.ndarray:
        path = f"{self._object_folder(key)}/{self._voxels_file}"
        voxels = read_binvox(path).voxels
        if len(set(voxels.shape)) != 1:
            raise DataError(f"{path}: expected a cube, found {voxels.shape}")
        return voxels
