# SPDX-License-Identifier: Apache-2.0
"""ShapeNet as Occupancy Networks published it: renderings, points, voxels."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from svr3d.errors import ConfigError, DataError
from svr3d.geometry.cameras import to_object_frame
from svr3d.io.splits import SPLITS, CategorySplit
from svr3d.registry import DATASETS

from .base import BaseShapeDataset, SampleKey
from .category_names import choose_categories
from .occnet_files import open_files
from .point_samples import PointSampling
from .rng import SampleRandom
from .views import ViewSelection, stack_views


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

    or all of that in one file, ``<data_root>`` itself, which ``svr3d pack-occnet``
    makes. Data sets of ``build_dataset.py --layout occnet`` are the same. Without
    ``metadata.yaml`` categories are called by their folders. Paper: Mescheder et al.,
    "Occupancy Networks", CVPR 2019; reader: autonomousvision/occupancy_networks
    ``im2mesh/data``.

    Differs from the published reader: lines that are blank are no models; an object
    with a missing or broken file stops the run or is left out by ``skip_missing``,
    where it was dropped from its batch; random numbers follow the sample's seed.

    Args:
        data_root: Folder or packed file of the data set; None takes the environment
            variable ``SVR3D_DATA``.
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
    packed = True

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
            points = PointSampling(**points)
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
        return len(self._files.images(self._images(self._keys[index])))

    def _list_samples(self) -> tuple[list[SampleKey], dict[str, Any]]:
        self._files = open_files(self.data_root)
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
        names = self._files.category_names()
        folders = self._files.categories()
        if not folders:
            raise DataError(
                f"{self.data_root}: expected folders of categories, found none"
            )
        taxonomy = [CategorySplit(f, names.get(f, f), {}) for f in folders]
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
                {
                    self.split: self._files.model_list(
                        f"{category.taxonomy_id}/{self._split_file}"
                    )
                },
            )
            for category in chosen
        ]

    def _problems(self, key: SampleKey) -> list[str]:
        problems = []
        if self._voxels_file is not None:
            try:
                self._read_grid(key)
            except DataError as error:
                problems.append(str(error))
        if self._points is not None:
            for name in self._points.files:
                problem = self._files.points_problem(f"{key.sample_id}/{name}")
                problems += [problem] if problem else []
        if self._views is None:
            return problems
        folder = self._images(key)
        try:
            names = self._files.images(folder)
            views = self._views.candidates(len(names), self._files.where(folder))
            if self._cameras:
                self._read_cameras(key, len(names))
        except DataError as error:
            return [*problems, str(error)]
        for view in views:
            problem = self._look_at_image(f"{folder}/{names[view]}")
            problems += [problem] if problem else []
        return problems

    def _look_at_image(self, name):
        if self._check_files != "full":
            return self._files.image_problem(name)
        try:
            self._files.image(name)
        except DataError as error:
            return str(error)
        return None

    def _read(
        self, key: SampleKey, rng: SampleRandom, num_views: int | None
    ) -> dict[str, Any]:
        sample, files = {}, self._files
        if self._views is not None:
            folder = self._images(key)
            where = files.where(folder)
            names = files.images(folder)
            views = self._views.choose(len(names), where, rng, num_views)
            pixels = [files.image(f"{folder}/{names[view]}") for view in views]
            sample["images"] = stack_views(pixels, where)
            sample["view_ids"] = np.array(views, np.int64)
            if self._cameras:
                extrinsics, intrinsics = self._read_cameras(key, len(names))
                sample["extrinsics"] = extrinsics[views]
                sample["intrinsics"] = intrinsics[views]
        if self._voxels_file is not None:
            sample["voxels"] = self._read_grid(key)
        if self._points is not None:
            sample |= self._points.draw(
                lambda name: files.points(f"{key.sample_id}/{name}"),
                lambda name: files.pointcloud(f"{key.sample_id}/{name}"),
                rng,
                files.where(key.sample_id),
            )
        return sample

    def _images(self, key):
        return f"{key.sample_id}/{self._image_folder}"

    def _read_cameras(self, key, count):
        """Return cameras of the object frame.

        The file's are of the mesh before it was centred and scaled, which ``loc`` and
        ``scale`` of the points tell: its points are ``scale p + loc``.
        """
        name = f"{self._images(key)}/cameras.npz"
        extrinsics, intrinsics = map(torch.from_numpy, self._files.cameras(name))
        if len(extrinsics) != count:
            raise DataError(
                f"{self._files.where(name)}: expected cameras of {count} images, "
                f"found {len(extrinsics)}"
            )
        points = "points.npz" if self._points is None else self._points.points_file
        stored = self._files.points(f"{key.sample_id}/{points}")
        corner = torch.tensor(stored.loc) - stored.scale / 2
        return to_object_frame(extrinsics, corner, stored.scale), intrinsics

    def _read_grid(self, key) -> np.ndarray:
        name = f"{key.sample_id}/{self._voxels_file}"
        voxels = self._files.binvox(name).voxels
        if len(set(voxels.shape)) != 1:
            raise DataError(
                f"{self._files.where(name)}: expected a cube, found {voxels.shape}"
            )
        return voxels
