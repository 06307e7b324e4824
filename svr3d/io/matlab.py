# SPDX-License-Identifier: Apache-2.0
"""Arrays in MATLAB files."""

from os import PathLike

import numpy as np

from svr3d.errors import DataError


def read_matlab_array(path: str | PathLike, name: str) -> np.ndarray:
    """Read one array of a MATLAB file (up to version 7).

    Args:
        path: The file.
        name: Name of the array in it.

    Raises:
        DataError: If the file is missing, broken or has no such array.
    """
    from scipy.io import loadmat

    try:
        content = loadmat(path, variable_names=[name])
    except FileNotFoundError as error:
        raise DataError(f"{path}: missing") from error
    except Exception as error:  # scipy raises all kinds for broken files
        raise DataError(
            f"{path}: expected a MATLAB file, found {type(error).__name__}: {error}"
        ) from error
    if name not in content:
        raise DataError(f"{path}: expected an array {name!r}, found none")
    return content[name]
