# SPDX-License-Identifier: Apache-2.0
"""Pix3D: photographs with masks, boxes and aligned shapes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import torch

from svr3d.errors import ConfigError, DataError
from svr3d.io.binvox import read_binvox
from svr3d.io.images import read_image
from svr3d.io.splits import SPLITS, read_taxonomy
from svr3d.registry import DATASETS

from .base import BaseShapeDataset, SampleKey
from .category_names import choose_categories
from .pix3d_annotations import (
    FLAGS,
    all_for_testing,
    binvox_path,
    is_excluded,
    read_annotations,
)
from .pix3d_geometry import pix3d_camera, read_voxel_mat
from .rng import SampleRandom

_VOXEL_SOURCES = ("auto", "binvox", "mat")


@DATASETS.register_module()
class Pix3D(BaseShapeDataset):
    """Single photographs in the layout of the Pix3D download.

    ::

        <data_root>/pix3d.json
        <data_root>/<split_file>                        names by category
        <data_root>/img/<category>/0001.png             photographs
        <data_root>/mask/<category>/0001.png            silhouettes
        <data_root>/model/<category>/<name>/voxel.mat   128^3, as downloaded
        <data_root>/model/<category>/<name>/model.binvox   where users made them

    ``boxes`` come along as fractions of the image, for the crops. Paper: Sun et al.,
    "Pix3D", CVPR 2018; reader: hzxie/Pix2Vox ``utils/data_loaders.py``.

    Args:
        data_root: Folder of the data set; None takes the environment variable
            ``SVR3D_DATA``.
        pipeline: Transforms of one sample.
        split: ``train``, ``val`` or ``test``; where the list has no ``val``, its test
            part.
        split_file: Split list as Pix2Vox ships it, relative to ``data_root``. None
            takes all photographs of ``pix3d.json`` for testing.
        categories: Keep only these categories. None keeps all.
        exclude: Leave out photographs whose object is ``truncated``, ``occluded`` or
            ``slightly_occluded``, by the annotations' flags. Chairs without any of
            them are the published test set.
        voxels: ``binvox`` or ``mat``; ``auto`` takes ``model.binvox`` where it exists.
        resolution: Side R of the grids; those of ``voxel.mat`` are pooled to it.
        masks: ``alpha`` makes the mask the image's alpha, so that a background
            transform removes the surroundings; ``keep`` carries it beside the image;
            ``none`` reads no masks.
        skip_missing: Leave out samples with missing or broken files.
        check_files: ``quick``, ``full`` or ``none``; see ``BaseShapeDataset``.
        max_samples: Keep only so many samples, evenly spread over the list.
        indices: Keep only these positions of the list.
        seed: Seed of the augmentation of plain integer indices.

    Raises:
        ConfigError: If an option has an impossible value.
        DataError: If a listed file or annotation is missing or broken.
    """

    layout = "pix3d"

    def __init__(
        self,
        data_root: str | None = None,
        pipeline: Iterable[Mapping[str, Any] | Callable] = (),
        *,
        split: str = "test",
        split_file: str | None = "Pix3D.json",
        categories: Sequence[str] | None = None,
        exclude: Sequence[str] = (),
        voxels: str = "auto",
        resolution: int = 32,
        masks: str = "keep",
        skip_missing: bool = False,
        check_files: str = "quick",
        max_samples: int | None = None,
        indices: Sequence[int] | None = None,
        seed: int = 0,
    ):
        for name, value, allowed in (
            ("split", split, SPLITS),
            ("voxels", voxels, _VOXEL_SOURCES),
            ("masks", masks, ("alpha", "keep", "none")),
        ):
            if value not in allowed:
                raise ConfigError(f"{name} must be one of {allowed}, found {value!r}")
        unknown = [flag for flag in exclude if flag not in FLAGS]
        if unknown or isinstance(exclude, str):
            raise ConfigError(f"exclude must be some of {FLAGS}, found {exclude!r}")
        self._split_file, self._categories = split_file, categories
        self._exclude = tuple(exclude)
        self._voxels, self._resolution, self._masks = voxels, resolution, masks
        self._entries: dict[str, dict] = {}
        # Ten thousand photographs share some seven hundred grids.
        self._grids: dict[str, tuple] = {}
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
        self._entries = {name: self._entries[name] for name in self.sample_ids}

    def read_voxels(self, index: int) -> np.ndarray:
        """Return only the target grid (R, R, R) uint8 of a sample."""
        return self._read_grid(self._entries[self._keys[index].sample_id])[0].copy()

    def _list_samples(self) -> tuple[list[SampleKey], dict[str, Any]]:
        source = annotations = self.data_root / "pix3d.json"
        self._entries = read_annotations(annotations)
        if self._split_file is None:
            taxonomy = all_for_testing(self._entries)
        else:
            source = self.data_root / self._split_file
            taxonomy = read_taxonomy(source)
        taxonomy = choose_categories(taxonomy, self._categories, str(source))
        keys = [
            SampleKey(category.name, name, position)
            for position, category in enumerate(taxonomy)
            for name in category.of(self.split)
        ]
        listed = len(keys)
        keys = [key for key in keys if not self._is_excluded(key.sample_id)]
        meta = {
            "categories": [category.name for category in taxonomy],
            "taxonomy_ids": [category.taxonomy_id for category in taxonomy],
            "baselines": {
                category.name: dict(category.baseline)
                for category in taxonomy
                if category.baseline
            },
            "split_rule": self._split_file or "all of pix3d.json",
            "excluded": {"flags": list(self._exclude), "samples": listed - len(keys)},
            "num_views": 1,
            "view_selection": "first",
        }
        return keys, meta

    def _is_excluded(self, sample_id):
        """Return whether the annotations rule a sample out; unknown ones stay."""
        entry = self._entries.get(sample_id)
        source = f"{self.data_root}/pix3d.json: {sample_id}"
        return entry is not None and is_excluded(entry, self._exclude, source)

    def _problems(self, key: SampleKey) -> list[str]:
        entry = self._entries.get(key.sample_id)
        if entry is None:
            return [f"{self.data_root}/pix3d.json: no entry for {key.sample_id}"]
        problems = []
        try:
            self._read_grid(entry)
        except DataError as error:
            problems.append(str(error))
        names = ["img"] if self._masks == "none" else ["img", "mask"]
        for name in names:
            path = f"{self.data_root}/{entry[name]}"
            problems += self._image_problems(path)
        return problems

    def _read(
        self, key: SampleKey, rng: SampleRandom, num_views: int | None
    ) -> dict[str, Any]:
        if num_views not in (None, 1):
            raise DataError(
                f"{key.sample_id}: expected a photograph as the only view, found "
                f"{num_views} views asked for"
            )
        entry = self._entries[key.sample_id]
        path = f"{self.data_root}/{entry['img']}"
        image = read_image(path)[..., :3].astype(np.float32) / 255
        height, width = image.shape[:2]
        if [width, height] != list(entry["img_size"]):
            raise DataError(
                f"{path}: expected {entry['img_size']} pixels as in pix3d.json, found "
                f"{[width, height]}"
            )
        box = np.array(entry["bbox"], np.float64) / (width, height, width, height)
        voxels, translate, scale = self._read_grid(entry)
        sample = {
            "boxes": box[None],
            "view_ids": np.zeros(1, np.int64),
            "voxels": voxels.copy(),
        }
        if self._masks != "none":
            mask = self._read_mask(entry, (height, width))
            if self._masks == "alpha":
                image = np.dstack([image, mask])
            else:
                sample["masks"] = mask[None]
        sample["images"] = image[None]
        if (camera := pix3d_camera(entry, translate, scale)) is not None:
            sample["extrinsics"], sample["intrinsics"], angles = camera
            sample["view_angles"] = torch.tensor([angles])
        return sample

    def _read_mask(self, entry, size):
        """Return the silhouette (H, W) float32 in [0, 1]."""
        path = f"{self.data_root}/{entry['mask']}"
        mask = cv2.cvtColor(read_image(path)[..., :3], cv2.COLOR_BGR2GRAY)
        if mask.shape != size:
            raise DataError(f"{path}: expected size {size}, found {mask.shape}")
        return mask.astype(np.float32) / 255

    def _read_grid(self, entry):
        """Return the grid (R, R, R) uint8 and its translate and scale in the mesh."""
        if entry["voxel"] not in self._grids:
            self._grids[entry["voxel"]] = self._load_grid(entry)
        return self._grids[entry["voxel"]]

    def _load_grid(self, entry):
        """Read the grid of an entry from its file."""
        binvox = self.data_root / binvox_path(entry)
        if self._voxels == "binvox" or (self._voxels == "auto" and binvox.exists()):
            return _read_binvox_grid(binvox, self._resolution)
        grid = read_voxel_mat(self.data_root / entry["voxel"], self._resolution)
        return grid, (-0.5, -0.5, -0.5), 1.0


def _read_binvox_grid(path, resolution):
    """Return grid, translate and scale of a binvox file of one resolution."""
    grid = read_binvox(path)
    if grid.voxels.shape != (resolution,) * 3:
        raise DataError(
            f"{path}: expected a grid of {resolution}^3, found {grid.voxels.shape}"
        )
    return grid.voxels, grid.translate, grid.scale
