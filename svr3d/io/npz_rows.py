# SPDX-License-Identifier: Apache-2.0
"""One large array in an ``.npz`` file, read and written row by row.

The files are those of ``numpy.savez_compressed`` with a single, unnamed array. Only
one row of it is in memory at a time, so that what is kept may be far less than the
file holds.
"""

import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path

import numpy as np

from svr3d.errors import DataError

_MEMBER = "arr_0.npy"
_BROKEN = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)


def read_shape(path: str | PathLike) -> tuple[tuple[int, ...], np.dtype]:
    """Return shape and dtype of the array in a file.

    Raises:
        DataError: If the file is missing or broken, or holds no plain array ``arr_0``.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_MEMBER) as stream:
            return _read_header(stream)
    except _BROKEN as error:
        raise _unreadable(path, error) from error


def read_rows(path: str | PathLike) -> Iterator[np.ndarray]:
    """Yield the rows of the array in a file, along its first axis.

    Raises:
        DataError: As :func:`read_shape`, or if the file ends early.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_MEMBER) as stream:
            (count, *shape), dtype = _read_header(stream)
            size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
            for _ in range(count):
                content = stream.read(size)
                if len(content) != size:
                    raise EOFError("the array ends early")
                yield np.frombuffer(content, dtype).reshape(shape)
    except _BROKEN as error:
        raise _unreadable(path, error) from error


def write_rows(path: str | PathLike, rows: Iterable[np.ndarray], count: int) -> None:
    """Write rows of one shape and dtype as the array of a file.

    The file appears complete or not at all.

    Args:
        path: The file; its folder must exist.
        rows: The rows, at least one.
        count: How many there are.

    Raises:
        ValueError: If there are no rows, another number of them, or they differ.
    """
    path, written = Path(path), 0
    draft = path.with_name(path.name + ".new")
    try:
        with (
            zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open(_MEMBER, "w", force_zip64=True) as stream,
        ):
            for row in rows:
                if not written:
                    first = row
                    header = np.lib.format.header_data_from_array_1_0(row[None])
                    header |= {"shape": (count, *row.shape), "fortran_order": False}
                    np.lib.format.write_array_header_1_0(stream, header)
                if (row.shape, row.dtype) != (first.shape, first.dtype):
                    raise ValueError(
                        f"{path}: expected rows {first.shape} {first.dtype}, found "
                        f"{row.shape} {row.dtype} at {written}"
                    )
                stream.write(np.ascontiguousarray(row).tobytes())
                written += 1
        if written != count or not count:
            raise ValueError(f"{path}: expected {count} > 0 rows, found {written}")
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _read_header(stream) -> tuple[tuple[int, ...], np.dtype]:
    """Read up to the first number of the array."""
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"array format {version}")
    shape, fortran, dtype = read(stream)
    if fortran or dtype.hasobject or not shape:
        raise ValueError(f"an array {shape} {dtype} that is no table of numbers in C")
    return shape, dtype


def _unreadable(path, error) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"{path}: expected an .npz file, found none")
    what = f"{type(error).__name__}: {error}"
    return DataError(f"{path}: expected an .npz file with {_MEMBER}, found {what}")
