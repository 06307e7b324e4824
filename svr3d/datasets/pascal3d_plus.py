# SPDX-License-Identifier: Apache-2.0
"""Pascal3D+ as view prior learning prepared it: photographs, masks, rotations."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from svr3d.errors import ConfigError, DataError
from svr3d.io.splits import CategorySplit
from svr3d.registry import DATASETS

from .base import BaseShapeDataset
from .category_names import choose_categories
from .pascal3d_files import MARGIN, Pascal3DFile, crop_picture, resize_picture
from .rng import SampleRandom
from .view_bins import euler_bins, number_occupied
from .view_samples import ViewKey
from .views import check_one_view, stack_views

_SYNSETS = {"aeroplane": "02691156", "car": "02958343", "chair": "03001627"}
_SOURCES = {"train": ("train", "imagenet"), "val": ("val",)}


@DATASETS.register_module()
class Pascal3DPlus(BaseShapeDataset):
    """Photographs of objects with masks, rotations and the grid of a similar model.

    ::

        <data_root>/<name>_{train,val,imagenet}.npz    aeroplane, car, chair

    Xiang et al., "Beyond PASCAL", WACV 2014, as Kato and Harada, "Learning view priors
    for single-view 3D reconstruction", CVPR 2019, prepared it
    (hiroharu-kato/view_prior_learning, which links the files). Each file has pictures
    ``images`` of any size, ``images_ref`` (N, 224, 224, 4) with the mask of the crop in
    its last channel, ``bounding_boxes``, ``rotation_matrices``, ``voxels``. Training
    takes ``train`` and ``imagenet``. Pickled objects are read without running anything.

    A sample has ``images``: the bounding box with 15 % around it; ``masks``: that of
    the reference; ``rotations`` (1, 3, 3) for the published orthographic camera;
    ``view_ids`` of 0; ``view_classes``: the occupied bin of 45 degrees of three angles,
    numbered over all samples of the files; ``voxels`` in the object frame, of a cube
    from -1 to 1. As published, crops of training are shifted and mirrored while mask,
    rotation and class stay: the objects are symmetric, and the code should not depend
    on it.

    Args:
        data_root: Folder of the data set; None takes the environment variable
            ``SVR3D_DATA``.
        pipeline: Transforms of one sample.
        split: ``train`` or ``val``.
        image_size: Side of images and masks in pixels.
        augment: Shift the edges of crops by up to 15 % of the box, and mirror with
            probability 1/2; None does so in training.
        sources: Which files to join; None takes those of the split.
        voxels: Whether samples have the target grid.
        categories: Keep only these categories, by name or synset. None keeps all.
        max_samples: Keep only so many samples, evenly spread over the list.
        indices: Keep only these positions of the list.
        seed: Seed of the draws of plain integer indices.

    Raises:
        ConfigError: If an option has an impossible value.
        DataError: If a file is missing or broken, or nothing is left.
    """

    layout = "pascal3d"

    def __init__(
        self,
        data_root: str | None = None,
        pipeline: Iterable[Mapping[str, Any] | Callable] = (),
        *,
        split: str = "train",
        image_size: int = 224,
        augment: bool | None = None,
        sources: Sequence[str] | None = None,
        voxels: bool = True,
        categories: Sequence[str] | None = None,
        max_samples: int | None = None,
        indices: Sequence[int] | None = None,
        seed: int = 0,
    ):
        if split not in _SOURCES:
            raise ConfigError(
                f"split must be one of {tuple(_SOURCES)}, found {split!r}"
            )
        if image_size < 1:
            raise ConfigError(f"image_size must be positive, found {image_size}")
        self._size, self._with_voxels = image_size, voxels
        self._augment = split == "train" if augment is None else augment
        self._sources = tuple(_SOURCES[split] if sources is None else sources)
        self._categories = categories
        super().__init__(
            data_root,
            pipeline,
            split=split,
            check_files="none",  # the files are read at once
            max_samples=max_samples,
            indices=indices,
            seed=seed,
        )

    @property
    def num_view_classes(self) -> int:
        """Number of occupied bins of rotations."""
        return self._metainfo["num_view_classes"]

    def read_voxels(self, index: int) -> np.ndarray:
        """Return only the target grid (R, R, R) uint8 of a sample."""
        key = self._keys[index]
        return self._place(key)[0].grids[key.row]

    def count_views(self, index: int) -> int:
        """Return how many views a sample may show."""
        return 1

    def _list_samples(self) -> tuple[list[ViewKey], dict[str, Any]]:
        if not self._sources:
            raise ConfigError("sources: expected at least one file, found none")
        first = self._sources[0]
        there = [
            CategorySplit(synset, name, {})
            for name, synset in _SYNSETS.items()
            if (self.data_root / f"{name}_{first}.npz").exists()
        ]
        if not there:
            raise DataError(
                f"{self.data_root}: expected <category>_{first}.npz with one of "
                f"{', '.join(_SYNSETS)}, found none"
            )
        taxonomy = choose_categories(there, self._categories, str(self.data_root))
        keys, bins, self._files = [], [], {}
        for position, category in enumerate(taxonomy):
            for source in self._sources:
                path = self.data_root / f"{category.name}_{source}.npz"
                file = Pascal3DFile.read(path)
                self._files[category.taxonomy_id, source] = file
                keys += [
                    ViewKey(
                        category.taxonomy_id, f"{source}_{row}", position, row, 0, True
                    )
                    for row in range(len(file.pictures))
                ]
                bins.append(euler_bins(file.rotations))
        raw = np.concatenate(bins)
        classes, count = number_occupied(raw)
        self._classes = {
            key.sample_id: int(number)
            for key, number in zip(keys, classes, strict=True)
        }
        meta = {
            "categories": [category.name for category in taxonomy],
            "taxonomy_ids": [category.taxonomy_id for category in taxonomy],
            "num_views": 1,
            "num_view_classes": count,
            # Splits occupy different bins: this tells which bin a class stands for.
            "view_bins": np.unique(raw).tolist(),
        }
        return keys, meta

    def _problems(self, key: ViewKey) -> list[str]:
        return []

    def _place(self, key: ViewKey) -> tuple[Pascal3DFile, int]:
        source = key.model.rpartition("_")[0]
        return self._files[key.taxonomy_id, source], key.row

    def _read(
        self, key: ViewKey, rng: SampleRandom, num_views: int | None
    ) -> dict[str, Any]:
        check_one_view(num_views, type(self).__name__)
        file, row = self._place(key)
        shifts, mirrored = np.zeros(4), False
        if self._augment:
            shifts = rng.numpy.uniform(-MARGIN, MARGIN, 4)
            mirrored = rng.numpy.uniform(0, 1) < 0.5
        picture = crop_picture(
            file.pictures[row], file.boxes[row], shifts, source=key.sample_id
        )
        if mirrored:
            picture = picture[:, ::-1]
        picture = resize_picture(picture, self._size)[..., ::-1]
        mask = resize_picture(file.masks[row], self._size)
        sample = {
            "images": stack_views([picture], key.sample_id),
            "masks": stack_views([mask], key.sample_id),
            "view_ids": np.zeros(1, np.int64),
            "view_classes": np.array([self._classes[key.sample_id]], np.int64),
            "rotations": file.rotations[row][None],
        }
        if self._with_voxels:
            sample["voxels"] = file.grids[row]
        return sample
