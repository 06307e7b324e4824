# SPDX-License-Identifier: Apache-2.0
"""One HDF5 file of each object, as Occupancy Networks' Lightning version keeps them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from svr3d.errors import ConfigError, DataError
from svr3d.io.hdf5 import import_h5py, open_hdf5
from svr3d.io.occnet_lists import parse_model_list
from svr3d.io.points import decode_pointcloud, decode_points
from svr3d.io.splits import SPLITS, CategorySplit
from svr3d.registry import DATASETS

from .base import BaseShapeDataset, SampleKey
from .category_names import SHAPENET_NAMES, choose_categories
from .point_samples import PointSampling
from .rng import SampleRandom
from .views import ViewSelection, stack_views


@DATASETS.register_module()
class OccNetHDF5(BaseShapeDataset):
    """Views and points in one HDF5 file of each object.

    ::

        <data_root>/{train,val,test}.lst     file names, one per line
        <data_root>/<synset>_<model>.h5      images, camera/*, points/*, pointcloud/*

    ``svr3d occnet-to-hdf5`` makes them. There are no grids. A single random view is
    one number of numpy's, drawn before the points, as published. Reader:
    Computer-Vision-IIITH-2021/project-noisypixel ``src/dataset/dataloader.py``.

    Args:
        data_root: Folder of the files; None takes the environment variable
            ``SVR3D_DATA``.
        pipeline: Transforms of one sample.
        split: ``train``, ``val`` or ``test``.
        split_file: Name of the list; None for ``<split>.lst``. The published training
            takes ``subtrain.lst``, which its converter does not make.
        num_views: Views per sample, V.
        view_selection: ``random``, as published for all splits, ``first`` or ``fixed``.
        view_ids: The views of ``fixed``, at least ``num_views``.
        categories: Keep only these categories, by name or folder. None keeps all.
        points: Query and surface points to load, or None. The published training takes
            ``dict(num_points=1024, replace=False, inside_share=(0.1, 0.35))``.
        skip_missing: Leave out samples with missing or broken files.
        check_files: ``quick`` opens each file, ``full`` decodes its points too,
            ``none`` trusts them.
        max_samples: Keep only so many samples, evenly spread over the list.
        indices: Keep only these positions of the list.
        seed: Seed of the augmentation of plain integer indices.

    Raises:
        ConfigError: If an option has an impossible value or h5py is not installed.
        DataError: If a listed file is missing or broken, or has fewer views than asked
            for.
    """

    layout = "occnet_hdf5"

    def __init__(
        self,
        data_root: str | None = None,
        pipeline: Iterable[Mapping[str, Any] | Callable] = (),
        *,
        split: str = "train",
        split_file: str | None = None,
        num_views: int = 1,
        view_selection: str = "random",
        view_ids: Sequence[int] | None = None,
        categories: Sequence[str] | None = None,
        points: PointSampling | Mapping[str, Any] | None = None,
        skip_missing: bool = False,
        check_files: str = "quick",
        max_samples: int | None = None,
        indices: Sequence[int] | None = None,
        seed: int = 0,
    ):
        if split not in SPLITS:
            raise ConfigError(f"split must be one of {SPLITS}, found {split!r}")
        import_h5py()
        self._views = ViewSelection(num_views, view_selection, view_ids)
        self.num_views = num_views
        self.view_selection = view_selection
        self._split_file = split_file or f"{split}.lst"
        self._categories = categories
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
        """Raise an error: these files hold no grids."""
        raise DataError(
            f"{self._path(self._keys[index])}: expected a grid, found views and points "
            "only; OccNetDataset reads grids"
        )

    def count_views(self, index: int) -> int:
        """Return how many views a sample's object has."""
        path = self._path(self._keys[index])
        with open_hdf5(path) as file:
            return len(_dataset(file, "images", path))

    def _list_samples(self) -> tuple[list[SampleKey], dict[str, Any]]:
        path = self.data_root / self._split_file
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror}") from error
        models: dict[str, list[str]] = {}
        for name in parse_model_list(text, source=str(path)):
            synset, mark, model = name.removesuffix(".h5").partition("_")
            if not mark or not name.endswith(".h5"):
                raise DataError(
                    f"{path}: expected names <synset>_<model>.h5, found {name!r}"
                )
            models.setdefault(synset, []).append(model)
        taxonomy = [
            CategorySplit(s, SHAPENET_NAMES.get(s, s), {self.split: models[s]})
            for s in sorted(models)
        ]
        taxonomy = choose_categories(taxonomy, self._categories, str(path))
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

    def _problems(self, key: SampleKey) -> list[str]:
        path = self._path(key)
        try:
            with open_hdf5(path) as file:
                images = _dataset(file, "images", path)
                if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
                    raise DataError(
                        f"{path}: expected images (V, H, W, 3) uint8, found "
                        f"{images.dtype} {images.shape}"
                    )
                self._views.candidates(len(images), path)
                if self._points is not None and self._check_files == "full":
                    self._draw(file, path, SampleRandom(0))
        except DataError as error:
            return [str(error)]
        return []

    def _read(
        self, key: SampleKey, rng: SampleRandom, num_views: int | None
    ) -> dict[str, Any]:
        path = self._path(key)
        with open_hdf5(path) as file:
            images = _dataset(file, "images", path)
            views = self._choose_views(len(images), path, rng, num_views)
            pixels = [cv2.cvtColor(images[v], cv2.COLOR_RGB2BGR) for v in views]
            sample = {
                "images": stack_views(pixels, path),
                "view_ids": np.array(views, np.int64),
            }
            if self._points is not None:
                sample |= self._draw(file, path, rng)
        return sample

    def _choose_views(self, count, path, rng, num_views):
        """Return the views of a sample; one random view is the published draw."""
        wanted = self.num_views if num_views is None else num_views
        if self.view_selection == "random" and wanted == 1 and count:
            return [int(rng.numpy.random_sample() * count)]
        return self._views.choose(count, path, rng, num_views)

    def _draw(self, file, path, rng):
        def arrays(name):
            group = file.get(name.removesuffix(".npz"))
            if group is None:
                raise DataError(f"{path}: expected a group {name!r}, found none")
            return {key: np.asarray(value) for key, value in group.items()}

        def source(name):
            return f"{path}: {name.removesuffix('.npz')}"

        return self._points.draw(
            lambda name: decode_points(arrays(name), source=source(name)),
            lambda name: decode_pointcloud(arrays(name), source=source(name)),
            rng,
            path,
        )

    def _path(self, key):
        return f"{self.data_root}/{key.taxonomy_id}_{key.model}.h5"


def _dataset(file, name, path):
    """Return an array of a file, not read yet."""
    if name not in file:
        raise DataError(f"{path}: expected a dataset {name!r}, found {sorted(file)}")
    return file[name]
