# SPDX-License-Identifier: Apache-2.0
"""ShapeNet as AtlasNet and the dispersion study published it: clouds and renderings."""

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.logging import print_log

from svr3d.errors import ConfigError, DataError
from svr3d.geometry.cameras import viewer_rotation
from svr3d.io.points import cloud_problem, read_cloud
from svr3d.io.splits import SPLITS
from svr3d.registry import DATASETS

from .atlasnet_files import AtlasNetFiles, split_names
from .base import BaseShapeDataset
from .category_names import choose_categories
from .cloud_cache import CloudCache
from .cloud_sampling import CloudSampling
from .rng import SampleRandom
from .views import check_one_view, read_views

_READERS = ("random", "each", "none")
_COORDINATES = ("object", "viewer")


class CloudKey(NamedTuple):
    """Which object a sample shows, its cloud, and from where it is seen.

    Attributes:
        taxonomy_id: Folder name of the category.
        model: Name of the model.
        category: Position of the category in ``metainfo['categories']``.
        cloud: Name of the cloud's file.
        view: The view of the sample, or None if it is drawn or there is none.
    """

    taxonomy_id: str
    model: str
    category: int
    cloud: str
    view: int | None

    @property
    def sample_id(self) -> str:
        """Identifier ``<category>/<model>``; views of an object share it."""
        return f"{self.taxonomy_id}/{self.model}"


@DATASETS.register_module()
class ShapeNetAtlasNet(BaseShapeDataset):
    """Clouds with normals and renderings in the layout of AtlasNet's download.

    ::

        <data_root>/taxonomy.json                                    may be missing
        <data_root>/ShapeNetV1PointCloud/<synset>/<model>.points.ply.npy
        <data_root>/ShapeNetV1Renderings/<synset>/<model>/rendering/00.png ... 23.png
        <data_root>/ShapeNetV1Renderings/<synset>/<model>/rendering/
            rendering_metadata.txt

    The renderings with limited yaw of the dispersion study have one image of each
    model: ``rendering_folder`` is one of its seven sets, ``image_folder`` is ``easy``,
    and ``views`` are 0 to 0. Data sets of ``build_dataset.py --layout atlasnet`` have
    the same layouts. Papers: Groueix et al., "AtlasNet", CVPR 2018; Zhou et al., "A
    Dataset-Dispersion Perspective on Reconstruction Versus Recognition in Single-View
    3D Reconstruction Networks", 3DV 2021.

    Models split by the sorted names of their clouds: the first ``int(0.8 n)`` of a
    category train, the others test. A model without renderings is left out, with its
    cloud; how many there are is logged and stands in ``metainfo['unrendered']``.

    Differs from the published readers: there may be a validation split; what a cache
    keeps is matched by name; random numbers follow the sample's seed.

    Args:
        data_root: Folder of the data set; None takes the environment variable
            ``SVR3D_DATA``.
        pipeline: Transforms of one sample.
        split: ``train``, ``val`` or ``test``.
        validation_share: Share of each category, taken from the end of what trains,
            that is the split ``val``. 0 has no such split: the published programs
            validate on what they test.
        reader: ``random`` draws one view of each object, as AtlasNet trains; ``each``
            makes a sample of each view, object by object, as the dispersion study
            trains; ``none`` reads clouds alone, for autoencoders.
        views: First and last view that may be seen. The published readers train on 1
            to 23 at most and test on 0.
        coordinates: ``object``, or ``viewer`` for targets in the axes of the camera;
            ``camera_rotation`` (3, 3) of a sample then leads there:
            ``p_viewer = camera_rotation @ p_object``.
        points: How the target points are drawn; None for 2,500 in the unit ball.
        categories: Keep only these categories, by name or folder. None keeps all.
        cloud_folder: Folder of the clouds.
        rendering_folder: Folder of the renderings.
        image_folder: Folder of the images inside of a model's.
        cache_folder: Where to keep normalised clouds between runs, half as large as
            the stored ones; None keeps none.
        skip_missing: Leave out samples with broken files, or without the views asked
            for.
        check_files: ``quick``, ``full`` or ``none``; see ``BaseShapeDataset``.
        max_samples: Keep only so many samples, evenly spread over the list.
        indices: Keep only these positions of the list.
        seed: Seed of the draws of plain integer indices.

    Raises:
        ConfigError: If an option has an impossible value.
        DataError: If a file is missing or broken, or nothing is left.
    """

    layout = "atlasnet"

    def __init__(
        self,
        data_root: str | None = None,
        pipeline: Iterable[Mapping[str, Any] | Callable] = (),
        *,
        split: str = "train",
        validation_share: float = 0.0,
        reader: str = "each",
        views: tuple[int, int] = (0, 0),
        coordinates: str = "object",
        points: CloudSampling | Mapping[str, Any] | None = None,
        categories: Sequence[str] | None = None,
        cloud_folder: str = AtlasNetFiles.cloud_folder,
        rendering_folder: str = AtlasNetFiles.rendering_folder,
        image_folder: str = AtlasNetFiles.image_folder,
        cache_folder: str | None = None,
        skip_missing: bool = False,
        check_files: str = "quick",
        max_samples: int | None = None,
        indices: Sequence[int] | None = None,
        seed: int = 0,
    ):
        _check_options(split, validation_share, reader, views, coordinates)
        self._validation_share = validation_share
        self._reader, self._views = reader, tuple(views)
        self._coordinates = coordinates
        self._points = (
            points
            if isinstance(points, CloudSampling)
            else CloudSampling(**dict(points or {}))
        )
        self._categories = categories
        self._folders = (cloud_folder, rendering_folder, image_folder)
        self._cache = None if cache_folder is None else CloudCache(cache_folder)
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
        """Raise an error: this layout holds no grids."""
        raise DataError(f"{self.data_root}: expected a grid, found clouds and images")

    def count_views(self, index: int) -> int:
        """Return how many views a sample may show."""
        return 0 if self._reader == "none" else self._views[1] - self._views[0] + 1

    def _list_samples(self) -> tuple[list[CloudKey], dict[str, Any]]:
        self._files = AtlasNetFiles(self.data_root, *self._folders)
        source = str(self.data_root / self._files.cloud_folder)
        taxonomy = choose_categories(self._files.categories(), self._categories, source)
        first, last = self._views
        views = range(first, last + 1) if self._reader == "each" else (None,)
        keys, unrendered, listed = [], [], 0
        for position, category in enumerate(taxonomy):
            folder = category.taxonomy_id
            for cloud in split_names(
                self._files.clouds(folder),
                self.split,
                validation_share=self._validation_share,
            ):
                model = cloud.split(".")[0]
                listed += 1
                if self._reader != "none" and not os.path.isdir(
                    self._files.images(folder, model)
                ):
                    unrendered.append(f"{folder}/{model}")
                    continue
                keys += [CloudKey(folder, model, position, cloud, v) for v in views]
        if unrendered:
            print_log(
                f"{type(self).__name__}: {self.data_root}: {len(unrendered)} of "
                f"{listed} models of split {self.split!r} have no renderings in "
                f"{self._files.rendering_folder} and are left out with their points",
                logger="current",
                level=logging.WARNING,
            )
        meta = {
            "categories": [category.name for category in taxonomy],
            "taxonomy_ids": [category.taxonomy_id for category in taxonomy],
            "split_rule": "first int(0.8 n) of sorted clouds train, the others test",
            "num_views": 0 if self._reader == "none" else 1,
            "view_selection": f"{self._reader} of {first} to {last}",
            "coordinates": self._coordinates,
            "normalization": self._points.normalization,
            "unrendered": unrendered,
        }
        return keys, meta

    def _problems(self, key: CloudKey) -> list[str]:
        problems = []
        if key.view in (None, self._views[0]):  # the views of an object share its cloud
            problem = cloud_problem(self._cloud(key))
            problems += [problem] if problem else []
        if self._reader == "none":
            return problems
        first, last = self._views
        views = range(first, last + 1) if key.view is None else (key.view,)
        for view in views:
            problems += self._image_problems(self._files.image(key, view))
        if self._coordinates == "viewer":
            try:
                self._files.view_angles(key, views[-1])
            except DataError as error:
                problems.append(str(error))
        return problems

    def _read(
        self, key: CloudKey, rng: SampleRandom, num_views: int | None
    ) -> dict[str, Any]:
        check_one_view(num_views, type(self).__name__)
        path = self._cloud(key)
        points, normals = self._read_cloud(key, path)
        sample = self._points.draw(points, rng, source=path, normals=normals)
        if self._reader == "none":
            return sample
        view = key.view
        if view is None:
            view = int(rng.numpy.randint(self._views[0], self._views[1] + 1))
        image = self._files.image(key, view)
        sample["images"] = read_views([image], image)
        sample["view_ids"] = np.array([view], np.int64)
        if self._coordinates == "viewer":
            sample |= self._turn(sample, self._files.view_angles(key, view))
        return sample

    def _read_cloud(
        self, key: CloudKey, path: str
    ) -> tuple[np.ndarray, Callable[[], np.ndarray] | None]:
        """Return the normalised points, and what reads the normals if wanted."""
        stored = None

        def read() -> np.ndarray:
            nonlocal stored
            stored = read_cloud(path) if stored is None else stored
            return stored

        def make() -> np.ndarray:
            return self._points.normalize(np.ascontiguousarray(read()[:, :3]))

        rule = self._points.normalization
        if self._cache is None:
            points = make()
        else:
            points = self._cache.get(key.sample_id, path, rule, make)
        if not self._points.normals:
            return points, None
        return points, (lambda: read()[:, 3:]) if read().shape[1] > 3 else None

    def _turn(self, sample: dict[str, Any], angles: np.ndarray) -> dict[str, Any]:
        """Return the keys of a sample that depend on the viewer's axes."""
        rotation = viewer_rotation(*torch.from_numpy(angles[:2])).float().numpy()
        turned = {
            name: sample[name] @ rotation.T
            for name in ("surface_points", "surface_normals")
            if name in sample
        }
        if "input_points" in sample:
            turned["input_points"] = turned["surface_points"]
        return turned | {
            "camera_rotation": rotation,
            "view_angles": angles[None].astype(np.float32),
        }

    def _cloud(self, key: CloudKey) -> str:
        folder = Path(self.data_root, self._files.cloud_folder)
        return f"{folder}/{key.taxonomy_id}/{key.cloud}"


def _check_options(split, validation_share, reader, views, coordinates) -> None:
    """Check what needs no files.

    Raises:
        ConfigError: If a value is impossible.
    """
    for name, value, choices in (
        ("split", split, SPLITS),
        ("reader", reader, _READERS),
        ("coordinates", coordinates, _COORDINATES),
    ):
        if value not in choices:
            raise ConfigError(f"{name} must be one of {choices}, found {value!r}")
    if not 0 <= validation_share < 0.8:
        raise ConfigError(
            f"validation_share must be at least 0 and below 0.8, found "
            f"{validation_share}"
        )
    if split == "val" and not validation_share:
        raise ConfigError(
            "split='val' needs a validation_share above 0; the published programs "
            "validate on split='test'"
        )
    if len(views) != 2 or not 0 <= views[0] <= views[1]:
        raise ConfigError(f"views must be a first and a last view, found {views}")
    if coordinates == "viewer" and reader == "none":
        raise ConfigError("coordinates='viewer' needs views, found reader='none'")
