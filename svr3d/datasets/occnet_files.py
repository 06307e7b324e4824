# SPDX-License-Identifier: Apache-2.0
"""The files of Occupancy Networks' layout: in folders, or in one packed store."""

import os
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from svr3d.errors import DataError
from svr3d.io.binvox import BinvoxData, decode_binvox, read_binvox
from svr3d.io.cameras import decode_cameras, read_cameras
from svr3d.io.images import check_image_file, decode_image, read_image
from svr3d.io.occnet_lists import METADATA_FILE, parse_category_names, parse_model_list
from svr3d.io.packed_store import PackedStore, is_packed_store
from svr3d.io.points import (
    OccupancyPoints,
    SurfacePoints,
    read_pointcloud,
    read_points,
)

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


class OccNetFiles(ABC):
    """Reads files by their names relative to the root, such as ``<synset>/train.lst``.

    Attributes:
        root: Folder or file of the data set.
    """

    def __init__(self, root: Path):
        self.root = root

    def where(self, name: str) -> str:
        """Return what error messages call a file."""
        return f"{self.root}/{name}"

    def category_names(self) -> dict[str, str]:
        """Return the display names of ``metadata.yaml`` by folder, if it is there."""
        if not self.exists(METADATA_FILE):
            return {}
        source = self.where(METADATA_FILE)
        return parse_category_names(self.read_text(METADATA_FILE), source=source)

    def model_list(self, name: str) -> list[str]:
        """Return the models of a list."""
        return parse_model_list(self.read_text(name), source=self.where(name))

    def images(self, folder: str) -> list[str]:
        """Return the names of the images in a folder, sorted."""
        names = self.list_files(folder)
        return sorted(n for n in names if n.lower().endswith(IMAGE_SUFFIXES))

    @abstractmethod
    def categories(self) -> list[str]:
        """Return the folders of categories, which hold lists of models, sorted."""

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Tell whether there is such a file."""

    @abstractmethod
    def list_files(self, folder: str) -> Sequence[str]:
        """Return the names of the files in a folder.

        Raises:
            DataError: If there is no such folder.
        """

    @abstractmethod
    def read_text(self, name: str) -> str:
        """Return a text file.

        Raises:
            DataError: If it is missing or not UTF-8.
        """

    @abstractmethod
    def image(self, name: str) -> np.ndarray:
        """Return an image as ``svr3d.io.images.read_image`` does."""

    @abstractmethod
    def binvox(self, name: str) -> BinvoxData:
        """Return a grid."""

    @abstractmethod
    def cameras(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return cameras as ``svr3d.io.cameras.read_cameras`` does."""

    @abstractmethod
    def points(self, name: str) -> OccupancyPoints:
        """Return query points; their positions may be float16 still."""

    @abstractmethod
    def pointcloud(self, name: str) -> SurfacePoints:
        """Return surface points; positions and normals may be float16 still."""

    @abstractmethod
    def image_problem(self, name: str) -> str | None:
        """Return what a quick look at an image finds wrong, or None."""

    @abstractmethod
    def points_problem(self, name: str) -> str | None:
        """Return what a quick look at a file of points finds wrong, or None."""


class FolderFiles(OccNetFiles):
    """Files in folders, as they are published."""

    def categories(self) -> list[str]:
        """Return the folders that hold a list of models, sorted."""
        return sorted({path.parent.name for path in self.root.glob("*/*.lst")})

    def exists(self, name: str) -> bool:
        """Tell whether there is such a file."""
        return os.path.exists(self.where(name))

    def list_files(self, folder: str) -> Sequence[str]:
        """Return the names of the files in a folder."""
        try:
            return os.listdir(self.where(folder))
        except OSError as error:
            raise DataError(
                f"{self.where(folder)}: expected a folder: {error.strerror}"
            ) from error

    def read_text(self, name: str) -> str:
        """Return a text file."""
        path = self.where(name)
        try:
            return Path(path).read_text(encoding="utf-8")
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: expected UTF-8 text, found {error}") from error

    def image(self, name: str) -> np.ndarray:
        """Return an image."""
        return read_image(self.where(name))

    def binvox(self, name: str) -> BinvoxData:
        """Return a grid."""
        return read_binvox(self.where(name))

    def cameras(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return cameras."""
        return read_cameras(self.where(name))

    def points(self, name: str) -> OccupancyPoints:
        """Return query points."""
        return read_points(self.where(name))

    def pointcloud(self, name: str) -> SurfacePoints:
        """Return surface points."""
        return read_pointcloud(self.where(name))

    def image_problem(self, name: str) -> str | None:
        """Look at the start and the end of an image."""
        problem = check_image_file(self.where(name))
        return f"{self.where(name)}: {problem}" if problem else None

    def points_problem(self, name: str) -> str | None:
        """Look for the directory at the end of an archive."""
        path = self.where(name)
        if not os.path.exists(path):
            return f"{path}: missing"
        if not zipfile.is_zipfile(path):
            return f"{path}: truncated, or not an npz archive"
        return None


class PackedFiles(OccNetFiles):
    """Files in one store that ``pack-occnet`` made; they were checked when packed."""

    def __init__(self, root: Path):
        super().__init__(root)
        self._store = PackedStore(root)

    def categories(self) -> list[str]:
        """Return the folders of categories."""
        return self.read_text("/").split("\n")

    def exists(self, name: str) -> bool:
        """Tell whether there is such a file."""
        return name in self._store

    def list_files(self, folder: str) -> Sequence[str]:
        """Return the names of the files in an object's folder, or its images."""
        return self.read_text(f"{folder}/").split("\n")

    def read_text(self, name: str) -> str:
        """Return a text file."""
        return bytes(self._store.read(name)).decode("utf-8")

    def image(self, name: str) -> np.ndarray:
        """Return an image."""
        return decode_image(bytes(self._store.read(name)), source=self.where(name))

    def binvox(self, name: str) -> BinvoxData:
        """Return a grid."""
        return decode_binvox(bytes(self._store.read(name)), source=self.where(name))

    def cameras(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return cameras."""
        return decode_cameras(self._store.read_arrays(name), source=self.where(name))

    def points(self, name: str) -> OccupancyPoints:
        """Return query points that the store's memory still holds."""
        arrays = self._store.read_arrays(name)
        points, labels = arrays["points"], arrays["occupancies"]
        if labels.dtype == np.uint8:
            labels = np.unpackbits(labels, count=len(points))
        placement = arrays["loc"], float(arrays["scale"])
        return OccupancyPoints(
            points, labels.view(bool), *placement, points.dtype == np.float16
        )

    def pointcloud(self, name: str) -> SurfacePoints:
        """Return surface points that the store's memory still holds."""
        arrays = self._store.read_arrays(name)
        placement = arrays["loc"], float(arrays["scale"])
        return SurfacePoints(arrays["points"], arrays["normals"], *placement)

    def image_problem(self, name: str) -> str | None:
        """Look whether an image is there."""
        return None if self.exists(name) else f"{self.where(name)}: missing"

    def points_problem(self, name: str) -> str | None:
        """Look whether points are there."""
        return self.image_problem(name)


def open_files(root: Path) -> OccNetFiles:
    """Return the files of a folder or of a packed store."""
    return PackedFiles(root) if is_packed_store(root) else FolderFiles(root)
