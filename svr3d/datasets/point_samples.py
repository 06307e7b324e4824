# SPDX-License-Identifier: Apache-2.0
"""Occupancy and surface points beside the views of a sample."""

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from svr3d.errors import DataError
from svr3d.io.points import read_pointcloud, read_points

from .base import SampleKey
from .rng import SampleRandom


@dataclass(frozen=True)
class PointSampling:
    """Which points of ``points.npz`` and ``pointcloud.npz`` a sample holds.

    Attributes:
        num_points: Query points with labels, drawn with replacement; 0 for none.
        num_surface_points: Surface points with normals, likewise.
        folder: Where ``<category>/<model>/points.npz`` lie, relative to ``data_root``.
    """

    num_points: int = 0
    num_surface_points: int = 0
    folder: str = "ShapeNetPoints"

    def problems(self, data_root: Path, key: SampleKey) -> list[str]:
        """Return which of a sample's files are missing or truncated."""
        found = []
        for path in self._paths(data_root, key):
            if not os.path.exists(path):
                found.append(f"{path}: missing")
            elif not zipfile.is_zipfile(path):
                found.append(f"{path}: truncated, or not an npz archive")
        return found

    def read(
        self, data_root: Path, key: SampleKey, rng: SampleRandom
    ) -> dict[str, np.ndarray]:
        """Read and draw the points of a sample.

        Draws (numpy): the indices of the query points, then of the surface points.
        """
        sample = {}
        paths = self._paths(data_root, key)
        if self.num_points:
            path = paths.pop(0)
            stored = read_points(path)
            chosen = _draw(rng, len(stored.points), self.num_points, path)
            sample["points"] = stored.points[chosen]
            sample["occupancies"] = stored.occupancies[chosen].astype(np.float32)
        if self.num_surface_points:
            path = paths.pop(0)
            surface = read_pointcloud(path)
            chosen = _draw(rng, len(surface.points), self.num_surface_points, path)
            sample["surface_points"] = surface.points[chosen]
            sample["surface_normals"] = surface.normals[chosen]
        return sample

    def _paths(self, data_root, key):
        """Return the files that a sample needs."""
        folder = f"{data_root}/{self.folder}/{key.taxonomy_id}/{key.model}"
        wanted = (
            (self.num_points, "points.npz"),
            (self.num_surface_points, "pointcloud.npz"),
        )
        return [f"{folder}/{name}" for number, name in wanted if number]


def _draw(rng, stored, wanted, path):
    """Return indices with replacement."""
    if not stored:
        raise DataError(f"{path}: expected points, found none")
    return rng.numpy.randint(stored, size=wanted)
