# SPDX-License-Identifier: Apache-2.0
"""What all data sets share: the list of samples, the file check, seeds, metainfo."""

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from mmengine.logging import print_log
from torch.utils.data import Dataset

from svr3d.errors import ConfigError, DataError
from svr3d.io.images import check_image_file, read_image
from svr3d.io.packed_store import SUFFIX, is_packed_store

from .rng import SampleRandom, SeededIndex, stable_seed
from .transforms.base import Pipeline

DATA_ROOT_VARIABLE = "SVR3D_DATA"
_CHECK_THREADS = 8
_SHOWN_PROBLEMS = 10


class SampleKey(NamedTuple):
    """Which object a sample shows.

    Attributes:
        taxonomy_id: Folder name of the category.
        model: Name of the model, or of the image, inside the category.
        category: Position of the category in ``metainfo['categories']``.
    """

    taxonomy_id: str
    model: str
    category: int

    @property
    def sample_id(self) -> str:
        """Identifier ``<category>/<model>``."""
        return f"{self.taxonomy_id}/{self.model}"


class BaseShapeDataset(Dataset, ABC):
    """A list of objects with views and a target shape.

    Children list their samples, name the problems of a sample's files, and read one
    sample; this class does the rest. All files are checked when the data set is built,
    so a missing or broken one stops a run before training.

    Args:
        data_root: Folder of the data set; None takes the environment variable
            ``SVR3D_DATA``.
        pipeline: Transforms of one sample.
        split: ``train``, ``val`` or ``test``.
        skip_missing: Leave out samples with missing or broken files, with a warning,
            where the default is an error.
        check_files: ``quick`` looks at the start and the end of images and decodes the
            rest; ``full`` decodes images too; ``none`` trusts the files.
        max_samples: Keep only so many samples, evenly spread over the list.
        indices: Keep only these positions of the list, before ``max_samples``.
        seed: Seed of the augmentation of plain integer indices.

    Raises:
        ConfigError: If an option has an impossible value.
        DataError: If a listed file is missing or broken, or nothing is left.
    """

    layout: ClassVar[str] = ""
    packed: ClassVar[bool] = False  # whether data_root may be a packed store
    # Of users' pictures that are to look like this layout's renderings: side in pixels,
    # and the object's longer side over it, the mean of built renderings.
    picture_size: ClassVar[int] = 137
    picture_share: ClassVar[float] = 0.65

    def __init__(
        self,
        data_root: str | None = None,
        pipeline: Iterable[Mapping[str, Any] | Callable] = (),
        *,
        split: str = "train",
        skip_missing: bool = False,
        check_files: str = "quick",
        max_samples: int | None = None,
        indices: Sequence[int] | None = None,
        seed: int = 0,
    ):
        if check_files not in ("quick", "full", "none"):
            raise ConfigError(
                f"{type(self).__name__}: check_files must be 'quick', 'full' or "
                f"'none', found {check_files!r}"
            )
        name = type(self).__name__
        self.data_root = find_data_root(data_root, name, packed=self.packed)
        self.split = split
        self.seed = seed
        self.pipeline = Pipeline(pipeline)
        self._check_files = check_files
        self._keys, meta = self._list_samples()
        self._select(indices, max_samples)
        self.skipped: dict[str, list[str]] = {}
        if check_files != "none":
            self._check(skip_missing)
        if not self._keys:
            raise DataError(
                f"{type(self).__name__}: {self.data_root}: expected samples in split "
                f"{split!r}, found none"
            )
        self._metainfo = {"layout": self.layout, "split": split} | meta

    @abstractmethod
    def _list_samples(self) -> tuple[list[SampleKey], dict[str, Any]]:
        """Return the keys of the split and what ``metainfo`` says about them."""

    @abstractmethod
    def _problems(self, key: SampleKey) -> list[str]:
        """Return what is wrong with the files of a sample, naming each file."""

    @abstractmethod
    def _read(
        self, key: SampleKey, rng: SampleRandom, num_views: int | None
    ) -> dict[str, Any]:
        """Read a sample in the form that transforms take."""

    @abstractmethod
    def read_voxels(self, index: int) -> np.ndarray:
        """Return only the target grid (R, R, R) uint8 of a sample."""

    @classmethod
    def adopt_pictures(cls, pictures: np.ndarray) -> dict[str, Any]:
        """Return users' pictures as samples of this layout hold renderings.

        Args:
            pictures: (V, H, W, 4) float32 BGRA in [0, 1], black where transparent.

        Returns:
            ``images`` (V, H, W, 3 or 4), and ``masks`` (V, H, W) of layouts that store
            them apart.
        """
        return {"images": pictures}

    @property
    def metainfo(self) -> dict[str, Any]:
        """Facts about the data set, made of builtins only."""
        return dict(self._metainfo)

    @property
    def sample_ids(self) -> list[str]:
        """Identifiers ``<category>/<model>`` of all samples, by index."""
        return [key.sample_id for key in self._keys]

    @property
    def category_ids(self) -> list[int]:
        """Positions in ``metainfo['categories']`` of all samples, by index."""
        return [key.category for key in self._keys]

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, index: int | SeededIndex) -> dict[str, Any]:
        """Return a sample after the pipeline.

        Args:
            index: A position, whose augmentation is always the same, or a position
                with the seed of its augmentation.
        """
        if not isinstance(index, SeededIndex):
            position = range(len(self))[index]
            index = SeededIndex(position, stable_seed(self.seed, position))
        key, rng = self._keys[index.index], SampleRandom(index.seed)
        sample = self._read(key, rng, index.num_views)
        sample |= {"rng": rng, "sample_id": key.sample_id, "category": key.category}
        sample["index"] = index.index
        return self.pipeline(sample)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[index] for index in range(len(self)))

    def get_sample(self, sample_id: str) -> dict[str, Any]:
        """Return the sample of an identifier, as ``dataset[index]`` returns it.

        Raises:
            KeyError: If the data set has no such sample.
        """
        for index, key in enumerate(self._keys):
            if key.sample_id == sample_id:
                return self[index]
        raise KeyError(f"{sample_id} is not in split {self.split} of {self.data_root}")

    def _select(self, indices, max_samples):
        """Keep the wanted part of the list."""
        if indices is not None:
            self._keys = [self._keys[index] for index in indices]
        if max_samples is not None and max_samples < len(self._keys):
            if max_samples < 1:
                raise ConfigError(f"max_samples must be positive, found {max_samples}")
            # Lists are sorted by category: their beginning would be one category.
            chosen = np.arange(max_samples) * len(self._keys) // max_samples
            self._keys = [self._keys[index] for index in chosen]

    def _image_problems(self, path: str) -> list[str]:
        """Return what is wrong with an image file, as far as the data set looks."""
        if self._check_files == "full":
            try:
                read_image(path)
            except DataError as error:
                return [str(error)]
            return []
        problem = check_image_file(path)
        return [f"{path}: {problem}"] if problem else []

    def _check(self, skip_missing):
        """Look at the files of all samples; raise or skip."""
        with ThreadPoolExecutor(_CHECK_THREADS) as pool:
            found = list(pool.map(self._problems, self._keys, chunksize=64))
        bad = {
            key.sample_id: problems
            for key, problems in zip(self._keys, found, strict=True)
            if problems
        }
        if not bad:
            return
        every = [problem for problems in bad.values() for problem in problems]
        shown = "\n".join(f"  {problem}" for problem in every[:_SHOWN_PROBLEMS])
        if len(every) > _SHOWN_PROBLEMS:
            shown += f"\n  and {len(every) - _SHOWN_PROBLEMS} more"
        message = (
            f"{type(self).__name__}: {self.data_root}: {len(bad)} of "
            f"{len(self._keys)} samples of split {self.split!r} have missing or broken "
            f"files:\n{shown}"
        )
        if not skip_missing:
            raise DataError(f"{message}\nSet skip_missing=True to leave them out.")
        print_log(f"Skipped: {message}", logger="current", level=logging.WARNING)
        self.skipped = bad
        self._keys = [key for key in self._keys if key.sample_id not in bad]


def find_data_root(data_root: str | None, owner: str, *, packed: bool = False) -> Path:
    """Return the folder of a data set.

    Args:
        data_root: The folder, or None for the environment variable ``SVR3D_DATA``.
        owner: What error messages call the data set.
        packed: Whether a packed store will do, too.

    Raises:
        DataError: If neither is given or the folder does not exist.
    """
    origin = "data_root"
    if data_root is None:
        data_root = os.environ.get(DATA_ROOT_VARIABLE)
        origin = f"environment variable {DATA_ROOT_VARIABLE}"
        if not data_root:
            raise DataError(
                f"{owner}: expected data_root in the config or the environment "
                f"variable {DATA_ROOT_VARIABLE}, found neither"
            )
    folder = Path(data_root).expanduser()
    if not folder.is_dir() and not (packed and is_packed_store(folder)):
        wanted = f"a folder or a {SUFFIX} file" if packed else "a folder"
        raise DataError(
            f"{owner}: {origin}: expected {wanted}, found none at {folder.absolute()}"
        )
    return folder
