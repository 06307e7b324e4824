# SPDX-License-Identifier: Apache-2.0
"""The synthetic set between cube and sphere, as the dispersion study published it."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from svr3d.errors import ConfigError, DataError
from svr3d.io.points import cloud_problem, read_cloud
from svr3d.io.splits import SPLITS
from svr3d.registry import DATASETS

from .base import BaseShapeDataset, SampleKey
from .cloud_sampling import CloudSampling
from .rng import SampleRandom
from .views import check_one_view, read_views

_CATEGORY = "cube_sphere"
_CLOUDS = ("pt_30000.npy", "pt_1024.npy")
_CHANNEL_ORDERS = ("rgb", "bgr")
_KEYS = ("isometric_path", "ptcloud_path", "shapekey_value")


@DATASETS.register_module()
class CubeSphere(BaseShapeDataset):
    """Rounded boxes between sphere and cube, with an image and a cloud of each.

    ::

        <data_root>/<list_file>                   which image goes with which cloud
        <data_root>/CubeSphere_interp_1000/instance_000/Isometric.png
        <data_root>/CubeSphere_interp_1000/instance_000/pt_30000.npy

    An entry of the list names its image and its cloud, which may be of *different*
    instances: so images and shapes get different dispersion. The cloud is
    ``pt_30000.npy`` in the folder of ``ptcloud_path``, else ``pt_1024.npy``. Entries
    are sorted by ``shapekey_value``, 0 for the sphere and 1 for the cube, which samples
    hold as ``shape_parameter``. Sets of ``svr3d make-cube-sphere`` have this layout.
    Paper: Zhou et al., "A Dataset-Dispersion Perspective on Reconstruction Versus
    Recognition in Single-View 3D Reconstruction Networks", 3DV 2021; reader:
    YefanZhou/dispersion-score ``dataset/toy_dataset/toydataset.py``.

    Args:
        data_root: Folder of the set; None takes the environment variable
            ``SVR3D_DATA``.
        pipeline: Transforms of one sample.
        split: ``train``, ``val`` or ``test``.
        list_file: List of the entries, relative to ``data_root``; None for
            ``<split>_interp_1000.json``.
        points: How the target points are drawn; None for 2,500 without replacement, as
            published.
        channel_order: ``rgb``, as in all data sets; ``bgr`` hands blue to the network
            as its first channel, as published.
        skip_missing: Leave out samples with missing or broken files.
        check_files: ``quick``, ``full`` or ``none``; see ``BaseShapeDataset``.
        max_samples: Keep only so many samples, evenly spread over the list.
        indices: Keep only these positions of the list.
        seed: Seed of the draws of plain integer indices.

    Raises:
        ConfigError: If an option has an impossible value.
        DataError: If the list, or a file that it names, is missing or broken.
    """

    layout = "cube_sphere"

    def __init__(
        self,
        data_root: str | None = None,
        pipeline: Iterable[Mapping[str, Any] | Callable] = (),
        *,
        split: str = "train",
        list_file: str | None = None,
        points: CloudSampling | Mapping[str, Any] | None = None,
        channel_order: str = "rgb",
        skip_missing: bool = False,
        check_files: str = "quick",
        max_samples: int | None = None,
        indices: Sequence[int] | None = None,
        seed: int = 0,
    ):
        if split not in SPLITS:
            raise ConfigError(f"split must be one of {SPLITS}, found {split!r}")
        if channel_order not in _CHANNEL_ORDERS:
            raise ConfigError(
                f"channel_order must be one of {_CHANNEL_ORDERS}, found "
                f"{channel_order!r}"
            )
        self._list_file = list_file or f"{split}_interp_1000.json"
        self._channel_order = channel_order
        self._points = (
            points
            if isinstance(points, CloudSampling)
            else CloudSampling(**({"replace": False} | dict(points or {})))
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
        """Raise an error: this set holds no grids."""
        raise DataError(
            f"{self.data_root}: expected a grid, found images and clouds only"
        )

    def count_views(self, index: int) -> int:
        """Return how many views a sample's object has."""
        return 1

    def _list_samples(self) -> tuple[list[SampleKey], dict[str, Any]]:
        entries = _read_list(self.data_root / self._list_file)
        self._entries = {}
        for entry in sorted(entries, key=lambda entry: entry["shapekey_value"]):
            self._entries[_new_name(entry, self._entries)] = entry
        keys = [SampleKey(_CATEGORY, name, 0) for name in self._entries]
        meta = {
            "categories": [_CATEGORY],
            "taxonomy_ids": [_CATEGORY],
            "split_rule": self._list_file,
            "num_views": 1,
            "view_selection": "isometric",
        }
        return keys, meta

    def _problems(self, key: SampleKey) -> list[str]:
        problem = cloud_problem(self._cloud(key), columns=(3,))
        found = [problem] if problem else []
        return found + self._image_problems(self._image(key))

    def _read(
        self, key: SampleKey, rng: SampleRandom, num_views: int | None
    ) -> dict[str, Any]:
        check_one_view(num_views, type(self).__name__)
        path = self._cloud(key)
        cloud = self._points.normalize(read_cloud(path, columns=(3,)))
        sample = self._points.draw(cloud, rng, source=path)
        image = self._image(key)
        images = read_views([image], image)
        if self._channel_order == "bgr":
            # Transforms hand images on as BGR, and the last of them turns that around.
            images = images[..., [2, 1, 0, *range(3, images.shape[-1])]]
        value = np.float32(self._entries[key.model]["shapekey_value"])
        return sample | {
            "images": images,
            "view_ids": np.zeros(1, np.int64),
            "shape_parameter": value,
        }

    def _image(self, key):
        return f"{self.data_root}/{self._entries[key.model]['isometric_path']}"

    def _cloud(self, key):
        """Return the larger of the two clouds that is there."""
        listed = self.data_root / self._entries[key.model]["ptcloud_path"]
        paths = [listed.with_name(name) for name in _CLOUDS]
        return str(next((path for path in paths if path.exists()), paths[0]))


def _new_name(entry, taken):
    """Return a name that tells the instances of an entry's image and cloud."""
    image = PurePosixPath(entry["isometric_path"]).parent.name
    shape = PurePosixPath(entry["ptcloud_path"]).parent.name
    name = image if image == shape else f"{image}-{shape}"
    names = (f"{name}-{number}" if number > 1 else name for number in count(1))
    return next(name for name in names if name not in taken)


def _read_list(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a list, checked."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path}: expected JSON, found an error: {error}") from error
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{path}: expected a list of entries, found none")
    for number, entry in enumerate(entries):
        missing = set(_KEYS) - set(entry if isinstance(entry, dict) else ())
        if missing:
            raise DataError(f"{path}: entry {number}: expected a key {min(missing)!r}")
        if not isinstance(entry["shapekey_value"], int | float):
            raise DataError(
                f"{path}: entry {number}: expected shapekey_value as a number, found "
                f"{entry['shapekey_value']!r}"
            )
    return entries
