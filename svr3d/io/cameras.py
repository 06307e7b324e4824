# SPDX-License-Identifier: Apache-2.0
"""Camera files: rendering_metadata.txt and cameras.npz."""

import zipfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import numpy as np

from svr3d.errors import DataError


def read_rendering_metadata(
    path: str | PathLike, *, columns: tuple[int, ...] = (5,)
) -> np.ndarray:
    """Read the camera list beside 3D-R2N2's renderings.

    Args:
        path: ``rendering_metadata.txt``, one line per image: azimuth, elevation,
            in-plane rotation (degrees), distance ratio, field of view.
        columns: How many numbers a line may have. DISN's renderer writes ten: after
            the distance ratio focal length and sensor (mm), largest distance and three
            shifts of the object.

    Returns:
        Rows (N, 5) float64, for ``svr3d.geometry.cameras.choy_camera``; or as many
        columns as the file has.

    Raises:
        DataError: If the file cannot be read, is empty, or a line does not have as many
            finite numbers.
    """
    try:
        text = Path(path).read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            row = [float(word) for word in words]
        except ValueError:
            row = []
        wanted = (len(rows[0]),) if rows else columns
        if len(row) not in wanted or not all(map(np.isfinite, row)):
            numbers = " or ".join(map(str, wanted))
            raise DataError(
                f"{path}: line {number}: expected {numbers} finite numbers, "
                f"found {line[:60]!r}"
            )
        rows.append(row)
    if not rows:
        raise DataError(f"{path}: expected one line per image, found none")
    return np.array(rows)


def write_rendering_metadata(path: str | PathLike, metadata: np.ndarray) -> None:
    """Write the camera list beside 3D-R2N2's renderings.

    Args:
        path: The file; its folder must exist.
        metadata: Rows (N, 5) of azimuth, elevation, in-plane rotation (degrees),
            distance ratio, field of view; (N, 10) as DISN's renderer writes them; or
            (N, 4), without the field of view, as DRC's ``view.txt``.
    """
    metadata = np.asarray(metadata, np.float64)
    fits = metadata.ndim == 2 and metadata.shape[1] in (4, 5, 10)
    if not fits or not np.isfinite(metadata).all():
        raise DataError(
            f"metadata for {path}: expected finite rows (N, 4), (N, 5) or (N, 10), "
            f"found {metadata.shape}"
        )
    lines = [" ".join(f"{value:.10g}" for value in row) for row in metadata]
    Path(path).write_text("\n".join(lines) + "\n", encoding="ascii")


def read_cameras(path: str | PathLike) -> tuple[np.ndarray, np.ndarray]:
    """Read a camera archive of the occupancy-network layout.

    Args:
        path: ``cameras.npz`` with ``world_mat_i`` (3, 4) and ``camera_mat_i`` (3, 3)
            for i = 0, 1, ...

    Returns:
        Extrinsics (N, 3, 4) and pixel intrinsics (N, 3, 3), float64.

    Raises:
        DataError: If the archive cannot be read, is empty, or an entry is missing or
            of another shape.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: expected an npz archive, found: {error}") from error
    return decode_cameras(arrays, source=path)


def decode_cameras(
    arrays: Mapping[str, np.ndarray], *, source: str | PathLike
) -> tuple[np.ndarray, np.ndarray]:
    """Return the cameras that the arrays of ``cameras.npz`` mean.

    Args:
        arrays: ``world_mat_i`` (3, 4) and ``camera_mat_i`` (3, 3) for i = 0, 1, ...
        source: What error messages call them.

    Returns:
        Extrinsics (N, 3, 4) and pixel intrinsics (N, 3, 3), float64.

    Raises:
        DataError: If there are none, or one is missing or of another shape.
    """
    count = sum(name.startswith("world_mat_") for name in arrays)
    if not count:
        raise DataError(f"{source}: expected world_mat_0, found {sorted(arrays)}")
    cameras = []
    for prefix, shape in (("world_mat", (3, 4)), ("camera_mat", (3, 3))):
        for index in range(count):
            name = f"{prefix}_{index}"
            found = arrays[name].shape if name in arrays else None
            if found != shape or not np.isfinite(arrays[name]).all():
                raise DataError(
                    f"{source}: expected finite {name} {shape}, found {found}"
                )
        cameras.append(np.stack([arrays[f"{prefix}_{i}"] for i in range(count)]))
    return cameras[0].astype(np.float64), cameras[1].astype(np.float64)


def write_cameras(
    path: str | PathLike, extrinsics: np.ndarray, intrinsics: np.ndarray
) -> None:
    """Write a camera archive of the occupancy-network layout.

    Args:
        path: The ``.npz`` file; its folder must exist.
        extrinsics: Cameras (N, 3, 4).
        intrinsics: Cameras (N, 3, 3) in pixels.
    """
    extrinsics = np.asarray(extrinsics, np.float64)
    intrinsics = np.asarray(intrinsics, np.float64)
    count = len(extrinsics)
    if extrinsics.shape != (count, 3, 4) or intrinsics.shape != (count, 3, 3):
        raise DataError(
            f"cameras for {path}: expected (N, 3, 4) and (N, 3, 3), found "
            f"{extrinsics.shape} and {intrinsics.shape}"
        )
    arrays = {f"world_mat_{i}": matrix for i, matrix in enumerate(extrinsics)}
    arrays |= {f"camera_mat_{i}": matrix for i, matrix in enumerate(intrinsics)}
    np.savez(path, **arrays)
