# SPDX-License-Identifier: Apache-2.0
"""Named arrays of ``.npz`` files, also of objects, without running pickled code."""

import zipfile
import zlib
from os import PathLike

import numpy as np

from svr3d.errors import CheckpointError, DataError
from svr3d.io.array_pickles import read_array_pickle

_BROKEN = (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error)


def read_npz_array(path: str | PathLike, name: str) -> np.ndarray | list:
    """Read one array of a file.

    Args:
        path: The file.
        name: Name of the array.

    Returns:
        The array; a list of its rows if it holds objects, such as images of different
        sizes.

    Raises:
        DataError: If the file is missing or broken, has no such array, or objects that
            are no arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if f"{name}.npy" not in archive.namelist():
                names = [n.removesuffix(".npy") for n in archive.namelist()]
                raise DataError(
                    f"{path}: expected an array {name!r}, found {', '.join(names)}"
                )
            with archive.open(f"{name}.npy") as stream:
                version = np.lib.format.read_magic(stream)
                if version == (1, 0):
                    header = np.lib.format.read_array_header_1_0(stream)
                else:
                    header = np.lib.format.read_array_header_2_0(stream)
                if header[2].hasobject:
                    return read_array_pickle(stream, source=f"{path}: {name}")
            with archive.open(f"{name}.npy") as stream:
                return np.lib.format.read_array(stream, allow_pickle=False)
    except FileNotFoundError as error:
        raise DataError(f"{path}: expected an .npz file, found none") from error
    except CheckpointError as error:
        raise DataError(str(error)) from error
    except _BROKEN as error:
        what = f"{type(error).__name__}: {error}"
        raise DataError(f"{path}: expected an .npz file, found {what}") from error
