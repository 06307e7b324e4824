# SPDX-License-Identifier: Apache-2.0
"""Images, masks, poses and clouds of DRC in record files, one record per image."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from svr3d.errors import DataError
from svr3d.io.image_lists import split_image_name
from svr3d.io.images import decode_image
from svr3d.io.record_files import RecordPlace, find_records, read_record

from .category_names import SHAPENET_NAMES
from .drc_files import DRCKey

_CLOUD_COLUMNS = 6


@dataclass
class DRCRecords:
    """Record files ``<synset>_<split>_<kind>.tfrecords`` with what folders hold.

    ``kind`` is ``image``, ``mask``, ``pose``, ``pcl_color`` and, of training images
    with neighbours, ``image_similar_2img`` and ``mask_similar_2img``. The published
    programs take the n-th records of all files for one image; here they are matched by
    name, since the writer leaves out what is missing from each file on its own.

    Attributes:
        root: Folder of the data set.
        record_folder: Folder of the files.
        split: Which of them: ``train``, ``val`` or ``test``.
    """

    root: Path
    record_folder: str = "tfrecords"
    split: str = "train"
    _places: dict[tuple[str, str], dict[str, list[RecordPlace]]] = field(
        default_factory=dict
    )

    def categories(self) -> dict[str, str]:
        """Return the names of the categories that have records, by folder, sorted."""
        paths = (self.root / self.record_folder).glob(f"*_{self.split}_image.tfrecords")
        ending = f"_{self.split}_image"
        found = sorted(path.stem.removesuffix(ending) for path in paths)
        return {name: SHAPENET_NAMES.get(name, name) for name in found}

    def images(self, category: str, split: str) -> list[tuple[str, int]]:
        """Return model and view of the images, in the order of the records."""
        source = self.path(category, "image")
        names = self._find(category, "image")
        return [split_image_name(name, source=source) for name in names]

    def image(self, key: DRCKey, view: int) -> np.ndarray:
        """Return an image (H, W, 3 or 4) uint8 BGR or BGRA."""
        return self._picture(key, "image", "image")

    def mask(self, key: DRCKey, view: int) -> np.ndarray:
        """Return a mask (H, W) uint8."""
        return self._picture(key, "mask", "image")[..., 0]

    def poses(self, key: DRCKey) -> np.ndarray:
        """Return azimuth and elevation (V, 2) in radians; V ends at the listed view.

        Only the row of the listed view has a meaning, the others are NaN.
        """
        pose = self._numbers(key, key.image_name, "pose", "pose", 2)
        poses = np.full((key.view + 1, 2), np.nan)
        poses[key.view] = pose
        return poses

    def cloud(self, key: DRCKey, *, colors: bool = False) -> np.ndarray:
        """Return the points (N, 3), or with their colours (N, 6)."""
        values = self._numbers(key, key.model, "pcl_color", "pcl", _CLOUD_COLUMNS)
        rows = values.reshape(-1, _CLOUD_COLUMNS)
        return rows if colors else rows[:, :3]

    def neighbors(self, key: DRCKey) -> list[str]:
        """Return the names of the neighbours that records of the image hold."""
        path = self.path(key.taxonomy_id, "mask_similar_2img")
        places = self._find(key.taxonomy_id, "mask_similar_2img")
        return [
            read_record(path, place)["filename_2"].decode()
            for place in places.get(key.image_name, [])
        ]

    def neighbor(self, key: DRCKey, place: int) -> tuple[np.ndarray, np.ndarray]:
        """Return image and mask of a neighbour."""
        image = self._picture(key, "image_similar_2img", "image_2", place)
        mask = self._picture(key, "mask_similar_2img", "image_2", place)[..., 0]
        return image, mask

    def path(self, category: str, kind: str) -> str:
        """Return the path of a file."""
        name = f"{category}_{self.split}_{kind}.tfrecords"
        return f"{self.root}/{self.record_folder}/{name}"

    def problems(self, key: DRCKey, kinds: dict[str, str], *, check: bool) -> list[str]:
        """Return what is wrong with the records of an image.

        Args:
            key: The image.
            kinds: The feature to find in each kind of file.
            check: Whether checksums are compared, too.
        """
        found = []
        for kind, feature in kinds.items():
            name = key.model if kind == "pcl_color" else key.image_name
            try:
                self._feature(key, name, kind, feature, check=check)
            except DataError as error:
                found.append(str(error))
        return found

    def _picture(self, key, kind, feature, place=0):
        content, source = self._feature(key, key.image_name, kind, feature, place=place)
        return decode_image(content, source=source)

    def _numbers(self, key, name, kind, feature, columns):
        """Return little-endian float64 numbers.

        Raises:
            DataError: If their number is not a multiple of ``columns``.
        """
        content, source = self._feature(key, name, kind, feature)
        if not content or len(content) % (8 * columns):
            raise DataError(
                f"{source}: {feature}: expected rows of {columns} float64, found "
                f"{len(content)} bytes"
            )
        return np.frombuffer(content, "<f8").astype(np.float64)

    def _feature(self, key, name, kind, feature, *, place=0, check=False):
        """Return a feature's bytes and what error messages call it."""
        path = self.path(key.taxonomy_id, kind)
        places = self._find(key.taxonomy_id, kind).get(name, [])
        if place >= len(places):
            raise DataError(
                f"{path}: expected {place + 1} records of {name!r}, found {len(places)}"
            )
        record = read_record(path, places[place], check=check)
        if feature not in record:
            raise DataError(
                f"{path}: record of {name!r}: expected the feature {feature!r}, found "
                f"{', '.join(sorted(record)) or 'none'}"
            )
        return record[feature], f"{path}: record of {name!r}"

    def _find(self, category: str, kind: str) -> dict[str, list[RecordPlace]]:
        """Return the places of the records of each name; a file is read once."""
        if (category, kind) not in self._places:
            path = self.path(category, kind)
            places = defaultdict(list)
            for place in find_records(path):
                record = read_record(path, place)
                if "filename" not in record:
                    raise DataError(
                        f"{path}: record at byte {place.offset}: expected the feature "
                        f"'filename', found {', '.join(sorted(record)) or 'none'}"
                    )
                places[record["filename"].decode()].append(place)
            self._places[category, kind] = dict(places)
        return self._places[category, kind]
