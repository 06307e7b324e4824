# SPDX-License-Identifier: Apache-2.0
"""Classes of viewpoints: angles cut into bins, as view classifiers tell them apart."""

import math

import numpy as np

from svr3d.errors import ConfigError, DataError

AZIMUTHS, ELEVATIONS = (-180.0, 180.0), (-20.0, 40.0)
_EULER_STEP, _EULER_BINS = 45.0, 8
_JUST_INSIDE = 0.1


class AngleBins:
    """Bins of azimuth and elevation.

    The class is ``floor((azimuth + 180) / w_a) * E + floor((elevation + 20) / w_e)``
    with ``E = ceil(60 / w_e)``; the largest azimuth and elevation belong to the last
    bin. Source: bomb2peng/learn3D ``data_loader.py``, ``viewpoint2bin``.

    Args:
        azimuth_width: Degrees of a bin of azimuth, from -180 to 180.
        elevation_width: Degrees of a bin of elevation, from -20 to 40.

    Raises:
        ConfigError: If a width is not positive.
    """

    def __init__(self, azimuth_width: float = 15, elevation_width: float = 20):
        if azimuth_width <= 0 or elevation_width <= 0:
            raise ConfigError(
                "widths of view bins must be positive, found azimuth_width="
                f"{azimuth_width}, elevation_width={elevation_width}"
            )
        self.widths = azimuth_width, elevation_width
        self._rows, self._columns = (
            math.ceil((high - low) / width)
            for (low, high), width in zip(
                (AZIMUTHS, ELEVATIONS), self.widths, strict=True
            )
        )

    def __len__(self) -> int:
        return self._rows * self._columns

    def classes(self, angles: np.ndarray, *, source: str) -> np.ndarray:
        """Return the classes (N,) int64 of rows of azimuth and elevation.

        Args:
            angles: (N, 2) or more columns, in degrees.
            source: What error messages call them.

        Raises:
            DataError: If an angle lies outside of the bins.
        """
        places = []
        for column, (low, high), width in zip(
            (angles[:, 0], angles[:, 1]),
            (AZIMUTHS, ELEVATIONS),
            self.widths,
            strict=True,
        ):
            if column.min() < low or column.max() > high:
                raise DataError(
                    f"{source}: expected angles of {low:g} to {high:g} degrees, found "
                    f"{column.min():g} to {column.max():g}"
                )
            inside = np.where(column == high, high - _JUST_INSIDE, column)
            places.append(np.floor((inside - low) / width).astype(np.int64))
        return places[0] * self._columns + places[1]


def euler_bins(rotations: np.ndarray) -> np.ndarray:
    """Return in which of 512 bins of 45 degrees rotations lie, (N,) int64.

    The angles are those of turns about the fixed axes y, z and x, in this order.
    Source: bomb2peng/learn3D ``data_loader.py``, ``eulers2bin``.

    Args:
        rotations: (N, 3, 3).
    """
    from scipy.spatial.transform import Rotation

    angles = Rotation.from_matrix(rotations).as_euler("yzx", degrees=True)
    angles = np.where(angles == 180, 180 - _JUST_INSIDE, angles)
    places = np.floor((angles + 180) / _EULER_STEP).astype(np.int64)
    return places @ np.array([_EULER_BINS**2, _EULER_BINS, 1])


def number_occupied(bins: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the occurring bins from 0 in ascending order.

    Args:
        bins: (N,) bins.

    Returns:
        (N,) int64 classes, and how many there are.
    """
    occupied, classes = np.unique(bins, return_inverse=True)
    return classes.astype(np.int64).reshape(-1), len(occupied)
