# SPDX-License-Identifier: Apache-2.0
"""Occupancy and surface points beside the views of a sample."""

import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from svr3d.errors import ConfigError, DataError
from svr3d.io.points import (
    OccupancyPoints,
    SurfacePoints,
    read_pointcloud,
    read_points,
)

from .base import SampleKey
from .rng import SampleRandom


@dataclass(frozen=True)
class PointSampling:
    """Which points of ``points.npz`` and ``pointcloud.npz`` a sample holds.

    Attributes:
        num_points: Query points with labels (``points``, ``occupancies``); a pair draws
            so many outside and so many inside, in this order; 0 for none.
        num_surface_points: Surface points with normals (``surface_points``,
            ``surface_normals``), drawn with replacement; ``all`` for those of the
            file, in its order.
        folder: Where ``<category>/<model>/points.npz`` lie, relative to ``data_root``.
        noise: Standard deviation of the normal noise on query points that a file holds
            as float16: without it many points share coordinates and meet edges of
            grids and meshes. Occupancy Networks adds 1e-4, in evaluation too.
        iou_points: Whether a sample also holds all query points of
            ``iou_points_file`` (``points_iou``, ``occupancies_iou``).
        num_input_points: Surface points as a network's input (``input_points``), drawn
            with replacement.
        input_noise: Standard deviation of the normal noise on them.
        points_file: File of the query points.
        iou_points_file: File of the query points of evaluation.
        pointcloud_file: File of the surface points.
        replace: Whether a query point may be drawn twice, as in Occupancy Networks; its
            re-implementation in Lightning draws without replacement.
        inside_share: Lowest and highest share of query points inside: it is uniform
            between them for each sample, the inside ones come first, and where an
            object has too few, outside ones stand for them. The re-implementation takes
            (0.1, 0.35). None draws from all points alike.

    Raises:
        ConfigError: If a number is negative or of the wrong kind, or options exclude
            each other.
    """

    num_points: int | Sequence[int] = 0
    num_surface_points: int | str = 0
    folder: str = "ShapeNetPoints"
    noise: float = 0.0
    iou_points: bool = False
    num_input_points: int = 0
    input_noise: float = 0.0
    points_file: str = "points.npz"
    iou_points_file: str = "points.npz"
    pointcloud_file: str = "pointcloud.npz"
    replace: bool = True
    inside_share: tuple[float, float] | None = None

    ALL: ClassVar[str] = "all"

    def __post_init__(self):
        pair = not isinstance(self.num_points, int)
        numbers = tuple(self.num_points) if pair else (self.num_points,)
        if (pair and len(numbers) != 2) or any(
            not isinstance(n, int) or n < 0 for n in numbers
        ):
            raise ConfigError(
                "num_points must be a number, or a pair (outside, inside), found "
                f"{self.num_points!r}"
            )
        if pair:
            object.__setattr__(self, "num_points", numbers)
        surface = self.num_surface_points
        if surface != self.ALL and (not isinstance(surface, int) or surface < 0):
            raise ConfigError(
                f"num_surface_points must be a number or 'all', found {surface!r}"
            )
        if self.inside_share is not None:
            low, high = self.inside_share
            if pair or self.replace or not 0 <= low <= high <= 1:
                raise ConfigError(
                    "inside_share needs 0 <= low <= high <= 1, one num_points and "
                    f"replace=False, found {self.inside_share}, num_points "
                    f"{self.num_points}, replace={self.replace}"
                )
        elif pair and not self.replace:
            raise ConfigError("replace=False needs one num_points, found a pair")
        for name in ("noise", "num_input_points", "input_noise"):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"{name} must not be negative, found {getattr(self, name)}"
                )

    def problems(self, data_root: Path, key: SampleKey) -> list[str]:
        """Return which of a sample's files are missing or truncated."""
        found = []
        for name in self.files:
            path = self._path(data_root, key, name)
            if not os.path.exists(path):
                found.append(f"{path}: missing")
            elif not zipfile.is_zipfile(path):
                found.append(f"{path}: truncated, or not an npz archive")
        return found

    @property
    def files(self) -> list[str]:
        """Names of the files that a sample needs."""
        names = []
        if self._wants_points:
            names.append(self.points_file)
        if self.iou_points:
            names.append(self.iou_points_file)
        if self.num_surface_points or self.num_input_points:
            names.append(self.pointcloud_file)
        return list(dict.fromkeys(names))

    def read(
        self, data_root: Path, key: SampleKey, rng: SampleRandom
    ) -> dict[str, np.ndarray]:
        """Read and draw the points of a sample; see ``draw``."""
        return self.draw(
            lambda name: read_points(self._path(data_root, key, name)),
            lambda name: read_pointcloud(self._path(data_root, key, name)),
            rng,
            f"{data_root}/{self.folder}/{key.sample_id}",
        )

    def draw(
        self,
        stored_points: Callable[[str], OccupancyPoints],
        stored_surface: Callable[[str], SurfacePoints],
        rng: SampleRandom,
        source: str,
    ) -> dict[str, np.ndarray]:
        """Draw the points of a sample.

        Draws (numpy), each only where it is asked for: the indices of the query points
        (outside before inside; with ``inside_share`` the share, then an order of the
        inside ones, then of the others) and their noise, the noise of the points of
        evaluation, the indices of the surface points, the indices of the input points
        and their noise. Differs from autonomousvision/occupancy_networks: noise is
        drawn for the chosen points only, not for all of the file.

        Args:
            stored_points: Returns the content of a file of query points.
            stored_surface: Returns the content of a file of surface points. Numbers of
                both may be float16 still.
            rng: Source of the draws.
            source: What error messages call the sample.

        Raises:
            DataError: If there are no points to draw from.
        """
        sample, stored = {}, None
        if self._wants_points:
            stored = stored_points(self.points_file)
            where = f"{source}/{self.points_file}"
            chosen = self._choose(stored.occupancies, rng, where)
            sample["points"] = self._blur(stored, stored.points[chosen], rng)
            sample["occupancies"] = stored.occupancies[chosen].astype(np.float32)
        if self.iou_points:
            if stored is None or self.iou_points_file != self.points_file:
                stored = stored_points(self.iou_points_file)
            sample["points_iou"] = self._blur(stored, stored.points, rng)
            sample["occupancies_iou"] = stored.occupancies.astype(np.float32)
        if self.num_surface_points or self.num_input_points:
            surface = stored_surface(self.pointcloud_file)
            where = f"{source}/{self.pointcloud_file}"
            count = len(surface.points)
            if self.num_surface_points:
                chosen = slice(None)
                if self.num_surface_points != self.ALL:
                    chosen = _draw(rng, count, self.num_surface_points, where)
                sample["surface_points"] = _float(surface.points[chosen])
                sample["surface_normals"] = _float(surface.normals[chosen])
            if self.num_input_points:
                chosen = _draw(rng, count, self.num_input_points, where)
                points = _float(surface.points[chosen])
                noise = self.input_noise * rng.numpy.randn(*points.shape)
                sample["input_points"] = points + noise.astype(np.float32)
        return sample

    @property
    def _wants_points(self):
        return self.num_points not in (0, (0, 0))

    def _choose(self, inside, rng, where):
        """Return the indices of the query points."""
        if self.inside_share is not None:
            return self._choose_share(inside, rng, where)
        if not self.replace:
            if self.num_points > len(inside):
                raise DataError(
                    f"{where}: expected at least {self.num_points} points, found "
                    f"{len(inside)}"
                )
            return rng.numpy.permutation(len(inside))[: self.num_points]
        if isinstance(self.num_points, int):
            return _draw(rng, len(inside), self.num_points, where)
        parts = []
        for number, label, name in (
            (self.num_points[0], ~inside, "outside"),
            (self.num_points[1], inside, "inside"),
        ):
            members = np.flatnonzero(label)
            if number:
                drawn = _draw(rng, len(members), number, f"{where}: {name}")
                parts.append(members[drawn])
        return np.concatenate(parts)

    def _choose_share(self, inside, rng, where):
        """Return indices, a drawn share of them inside."""
        low, high = self.inside_share
        share = low + (high - low) * rng.numpy.random_sample()
        full, empty = np.flatnonzero(inside), np.flatnonzero(~inside)
        num_inside = min(int(self.num_points * share), len(full))
        if self.num_points - num_inside > len(empty):
            raise DataError(
                f"{where}: expected at least {self.num_points - num_inside} points "
                f"outside, found {len(empty)}"
            )
        first = rng.numpy.permutation(full)[:num_inside]
        others = rng.numpy.permutation(empty)[: self.num_points - num_inside]
        return np.concatenate([first, others])

    def _blur(self, stored, points, rng):
        """Return float32 points, with noise if the file has rounded them."""
        points = _float(points)
        if not stored.half or not self.noise:
            return points
        noise = self.noise * rng.numpy.randn(*points.shape)
        return (points + noise).astype(np.float32)

    def _path(self, data_root, key, name):
        return f"{data_root}/{self.folder}/{key.taxonomy_id}/{key.model}/{name}"


def _float(points):
    """Return float32 values in memory of their own."""
    return np.array(points, np.float32)


def _draw(rng, stored, wanted, path):
    """Return indices with replacement."""
    if not stored:
        raise DataError(f"{path}: expected points, found none")
    return rng.numpy.randint(stored, size=wanted)
