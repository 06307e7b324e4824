# SPDX-License-Identifier: Apache-2.0
"""Occupancy points and surface points in the layout of Occupancy Networks.

Source: Mescheder et al., "Occupancy Networks", CVPR 2019, and its repository
autonomousvision/occupancy_networks (``points.npz``, ``pointcloud.npz``).
"""

import zipfile
from collections.abc import Mapping
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
        half: Whether the file holds the positions as float16, so that many of them
            have equal coordinates.
    """

    points: np.ndarray
    occupancies: np.ndarray
    loc: np.ndarray = field(default_factory=lambda: np.zeros(3))
    scale: float = 1.0
    half: bool = False


@dataclass
class SurfacePoints:
    """Uniform samples of a surface.

    Attributes:
        points: Positions (M, 3) float32 in the object frame.
        normals: Outward unit normals (M, 3) float32.
        loc: Centre (3,) of the object in its own units.
        scale: Longest side of the object in its own units.
        half: Whether the file holds positions and normals as float16.
    """

    points: np.ndarray
    normals: np.ndarray
    loc: np.ndarray = field(default_factory=lambda: np.zeros(3))
    scale: float = 1.0
    half: bool = False


def write_points(
    path: str | Path,
    samples: OccupancyPoints,
    *,
    half: bool = True,
    packed: bool = True,
) -> None:
    """Write ``points.npz``.

    Args:
        path: The file; its folder must exist.
        samples: The points.
        half: Store float16 positions, else float32.
        packed: Store labels eight to a byte (big-endian bits), else one each.
    """
    labels = np.asarray(samples.occupancies, dtype=bool)
    np.savez(
        path,
        points=np.asarray(samples.points, np.float16 if half else np.float32),
        occupancies=np.packbits(labels) if packed else labels,
        loc=np.asarray(samples.loc, np.float64),
        scale=np.float64(samples.scale),
    )


def read_points(path: str | Path) -> OccupancyPoints:
    """Read ``points.npz``; labels may be packed bits or one number per point.

    Raises:
        DataError: The file is missing, broken, or its arrays do not fit.
    """
    return decode_points(_read_npz(path), source=path)


def decode_points(
    arrays: Mapping[str, np.ndarray], *, source: str | Path
) -> OccupancyPoints:
    """Return the points that the arrays of ``points.npz`` mean.

    Args:
        arrays: ``points``, ``occupancies`` and perhaps ``loc`` and ``scale``.
        source: What error messages call them.

    Raises:
        DataError: An array is missing or does not fit.
    """
    _check_names(source, arrays, ("points", "occupancies"))
    half = arrays["points"].dtype == np.float16
    points = _check_rows(source, "points", arrays["points"])
    labels = arrays["occupancies"]
    packed = labels.dtype == np.uint8 and len(labels) == (len(points) + 7) // 8
    expected = (len(points) + 7) // 8 if packed else len(points)
    if labels.shape != (expected,):
        raise DataError(
            f"{source}: expected occupancies of {len(points)} points, "
            f"or {(len(points) + 7) // 8} packed bytes, found shape {labels.shape}"
        )
    if packed:
        labels = np.unpackbits(labels)[: len(points)]
    placement = _placement(source, arrays)
    return OccupancyPoints(points, labels.astype(bool), *placement, half)


def write_pointcloud(
    path: str | Path, samples: SurfacePoints, *, half: bool = True
) -> None:
    """Write ``pointcloud.npz``.

    Args:
        path: The file; its folder must exist.
        samples: The points.
        half: Store positions and normals as float16, else float32.
    """
    number = np.float16 if half else np.float32
    np.savez(
        path,
        points=np.asarray(samples.points, number),
        normals=np.asarray(samples.normals, number),
        loc=np.asarray(samples.loc, np.float64),
        scale=np.float64(samples.scale),
    )


def read_pointcloud(path: str | Path) -> SurfacePoints:
    """Read ``pointcloud.npz``.

    Raises:
        DataError: The file is missing, broken, or its arrays do not fit.
    """
    return decode_pointcloud(_read_npz(path), source=path)


def decode_pointcloud(
    arrays: Mapping[str, np.ndarray], *, source: str | Path
) -> SurfacePoints:
    """Return the points that the arrays of ``pointcloud.npz`` mean.

    Args:
        arrays: ``points``, ``normals`` and perhaps ``loc`` and ``scale``.
        source: What error messages call them.

    Raises:
        DataError: An array is missing or does not fit.
    """
    _check_names(source, arrays, ("points", "normals"))
    points = _check_rows(source, "points", arrays["points"])
    normals = _check_rows(source, "normals", arrays["normals"])
    if len(points) != len(normals):
        raise DataError(
            f"{source}: expected as many normals as points ({len(points)}), "
            f"found {len(normals)}"
        )
    half = arrays["points"].dtype == np.float16
    return SurfacePoints(points, normals, *_placement(source, arrays), half)


def read_cloud(path: str | Path, *, columns: tuple[int, ...] = (3, 6)) -> np.ndarray:
    """Read a cloud of a ``.npy`` file: positions, perhaps with normals beside them.

    AtlasNet keeps ``x y z nx ny nz`` in ``<model>.points.ply.npy``, its cube-sphere set
    ``x y z`` in ``pt_30000.npy``.

    Args:
        path: The file.
        columns: Which numbers of columns will do.

    Returns:
        Rows (N, C), float32 or float64 as stored.

    Raises:
        DataError: The file is missing, broken, or its array does not fit.
    """
    try:
        cloud = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise DataError(f"{path}: expected a point file, found no such file") from None
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: expected an npy array, found: {error}") from error
    _check_cloud(path, cloud, columns)
    if not np.isfinite(cloud).all():
        raise DataError(f"{path}: expected finite numbers, found NaN or infinity")
    return cloud


def cloud_problem(path: str | Path, *, columns: tuple[int, ...] = (3, 6)) -> str | None:
    """Return what is wrong with a cloud, as far as head and length of the file tell.

    Args:
        path: The ``.npy`` file.
        columns: Which numbers of columns will do.
    """
    try:
        _check_cloud(path, np.load(path, mmap_mode="r", allow_pickle=False), columns)
    except FileNotFoundError:
        return f"{path}: missing"
    except (OSError, ValueError, EOFError) as error:
        return f"{path}: truncated, or not an npy array: {error}"
    except DataError as error:
        return str(error)
    return None


def _check_cloud(path, cloud, columns) -> None:
    if (
        not isinstance(cloud, np.ndarray)
        or cloud.ndim != 2
        or cloud.shape[1] not in columns
        or not len(cloud)
        or cloud.dtype not in (np.float32, np.float64)
    ):
        wanted = " or ".join(f"(N, {number})" for number in columns)
        found = f"{cloud.dtype} of shape {cloud.shape}"
        raise DataError(f"{path}: expected float32 or float64 {wanted}, found {found}")


def _read_npz(path: str | Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise DataError(f"{path}: expected a point file, found no such file") from None
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: expected an npz archive of arrays, "
            f"found {type(error).__name__}: {error}"
        ) from error


def _check_names(
    path: str | Path, arrays: Mapping[str, np.ndarray], required: tuple[str, ...]
) -> None:
    if any(name not in arrays for name in required):
        raise DataError(
            f"{path}: expected arrays {', '.join(required)}, "
            f"found {', '.join(sorted(arrays)) or 'none'}"
        )


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
    path: str | Path, arrays: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, float]:
    """Read loc and scale, which some published files leave out."""
    loc = arrays.get("loc", np.zeros(3))
    scale = arrays.get("scale", np.float64(1.0))
    if loc.shape != (3,) or scale.size != 1 or not float(scale.reshape(())) > 0:
        raise DataError(
            f"{path}: expected loc of shape (3,) and one positive scale, "
            f"found loc {loc.shape} and scale {scale}"
        )
    return loc.astype(np.float64), float(scale.reshape(()))
