# SPDX-License-Identifier: Apache-2.0
"""Pix3D: photographs with masks, boxes and aligned shapes."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
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
        split_file: Split list as Pix2Vox ships it, relative to ``data_root``.
        categories: Keep only these categories. None keeps all.
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
        split_file: str = "Pix3D.json",
        categories: Sequence[str] | None = None,
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
        self._split_file, self._categories = split_file, categories
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
        source = self.data_root / self._split_file
        taxonomy = read_taxonomy(source)
        taxonomy = choose_categories(taxonomy, self._categories, str(source))
        annotations = self.data_root / "pix3d.json"
        self._entries = _read_annotations(annotations)
        keys = [
            SampleKey(category.name, name, position)
            for position, category in enumerate(taxonomy)
            for name in category.of(self.split)
        ]
        meta = {
            "categories": [category.name for category in taxonomy],
            "taxonomy_ids": [category.taxonomy_id for category in taxonomy],
            "baselines": {
                category.name: dict(category.baseline)
                for category in taxonomy
                if category.baseline
            },
            "split_rule": self._split_file,
            "num_views": 1,
            "view_selection": "first",
        }
        return keys, meta

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
        folder = self.data_root / PurePosixPath(entry["voxel"]).parent
        name = PurePosixPath(entry["voxel"]).stem.replace("voxel", "model")
        binvox = folder / f"{name}.binvox"
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


def _read_annotations(path: Path) -> dict[str, dict]:
    """Return the entries of ``pix3d.json`` by ``<category>/<image>``."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path}: expected JSON, found an error: {error}") from error
    by_name = {}
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        missing = {"img", "bbox", "img_size", "voxel"} - set(entry)
        if missing:
            raise DataError(f"{path}: entry {number}: expected a key {min(missing)!r}")
        name = PurePosixPath(entry["img"]).relative_to("img").with_suffix("")
        by_name[str(name)] = {"mask": entry["img"].replace("img", "mask", 1)} | entry
    if not by_name:
        raise DataError(f"{path}: expected a list of annotations, found none")
    return by_name
