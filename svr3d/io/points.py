# SPDX-License-Identifier: Apache-2.0
"""Occupancy points and surface points in the layout of Occupancy Networks.

Source: Mescheder et al., "Occupancy Networks", CVPR 2019, and its repository
autonomousvision/occupancy_networks (``points.npz``, ``pointcloud.npz``).
"""

import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from svr3d.errors import DataError


@dataclass
class OccupancyPoints:
    """Query points and whether each lies inside the object.

    Attributes:
        points: Positions (N, 3) float32 in the object frame.
        occupancies: Labels (N,) bool.
        loc: Centre (3,) of the object in its own units.
        scale: Longest side of the object in its own units.
    """

    points: np.ndarray
    occupancies: np.ndarray
    loc: np.ndarray = field(default_factory=lambda: np.zeros(3, np.float32))
    scale: float = 1.0


@dataclass
class SurfacePoints:
    """Uniform samples of a surface.

    Attributes:
        points: Positions (M, 3) float32 in the object frame.
        normals: Outward unit normals (M, 3) float32.
        loc: Centre (3,) of the object in its own units.
        scale: Longest side of the object in its own units.
    """

    points: np.ndarray
    normals: np.ndarray
    loc: np.ndarray = field(default_factory=lambda: np.zeros(3, np.float32))
    scale: float = 1.0


def write_points(path: str | Path, samples: OccupancyPoints) -> None:
    """Write ``points.npz``: float16 points, labels packed eight to a byte."""
    np.savez(
        path,
        points=np.asarray(samples.points, dtype=np.float16),
        occupancies=np.packbits(np.asarray(samples.occupancies, dtype=bool)),
        loc=np.asarray(samples.loc, dtype=np.float32),
        scale=np.float32(samples.scale),
    )


def read_points(path: str | Path) -> OccupancyPoints:
    """Read ``points.npz``; labels may be packed bits or one number per point.

    Raises:
        DataError: The file is missing, broken, or its arrays do not fit.
    """
    arrays = _read_npz(path, ("points", "occupancies"))
    points = _check_rows(path, "points", arrays["points"])
    labels = arrays["occupancies"]
    packed = labels.dtype == np.uint8 and len(labels) == (len(points) + 7) // 8
    expected = (len(points) + 7) // 8 if packed else len(points)
    if labels.shape != (expected,):
        raise DataError(
            f"{path}: expected occupancies of {len(points)} points, "
            f"or {(len(points) + 7) // 8} packed bytes, found shape {labels.shape}"
        )
    if packed:
        labels = np.unpackbits(labels)[: len(points)]
    return OccupancyPoints(points, labels.astype(bool), *_placement(path, arrays))


def write_pointcloud(path: str | Path, samples: SurfacePoints) -> None:
    """Write ``pointcloud.npz``: float16 points and normals."""
    np.savez(
        path,
        points=np.asarray(samples.points, dtype=np.float16),
        normals=np.asarray(samples.normals, dtype=np.float16),
        loc=np.asarray(samples.loc, dtype=np.float32),
        scale=np.float32(samples.scale),
    )


def read_pointcloud(path: str | Path) -> SurfacePoints:
    """Read ``pointcloud.npz``.

    Raises:
        DataError: The file is missing, broken, or its arrays do not fit.
    """
    arrays = _read_npz(path, ("points", "normals"))
    points = _check_rows(path, "points", arrays["points"])
    normals = _check_rows(path, "normals", arrays["normals"])
    if len(points) != len(normals):
        raise DataError(
            f"{path}: expected as many normals as points ({len(points)}), "
            f"found {len(normals)}"
        )
    return SurfacePoints(points, normals, *_placement(path, arrays))


def _read_npz(path: str | Path, required: tuple[str, ...]) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise DataError(f"{path}: expected a point file, found no such file") from None
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: expected an npz archive of arrays, "
            f"found {type(error).__name__}: {error}"
        ) from error
    missing = [name for name in required if name not in arrays]
    if missing:
        raise DataError(
            f"{path}: expected arrays {', '.join(required)}, "
            f"found {', '.join(sorted(arrays)) or 'none'}"
        )
    return arrays


def _check_rows(path: str | Path, name: str, array: np.ndarray) -> np.ndarray:
    if array.ndim != 2 or array.shape[1] != 3 or array.dtype.kind != "f":
        raise DataError(
            f"{path}: expected {name} as floats of shape (N, 3), "
            f"found {array.dtype} of shape {array.shape}"
        )
    if not np.isfinite(array).all():
        raise DataError(f"{path}: expected finite {name}, found NaN or infinity")
    return array.astype(np.float32)


def _placement(
    path: str | Path, arrays: dict[str, np.ndarray]
) -> tuple[np.ndarray, float]:
    """Read loc and scale, which some published files leave out."""
    loc = arrays.get("loc", np.zeros(3, dtype=np.float32))
    scale = arrays.get("scale", np.float32(1.0))
    if loc.shape != (3,) or scale.size != 1 or not float(scale.reshape(())) > 0:
        raise DataError(
            f"{path}: expected loc of shape (3,) and one positive scale, "
            f"found loc {loc.shape} and scale {scale}"
        )
    return loc.astype(np.float32), float(scale.reshape(()))
