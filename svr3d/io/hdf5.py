# SPDX-License-Identifier: Apache-2.0
"""HDF5 files, which need an optional package."""

from os import PathLike

from svr3d.errors import ConfigError, DataError


def import_h5py():
    """Return the package h5py.

    Raises:
        ConfigError: If it is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise ConfigError(
            "HDF5 files need the package h5py, which is not installed; install "
            "svr3d[hdf5]"
        ) from error
    return h5py


def open_hdf5(path: str | PathLike):
    """Open an HDF5 file for reading.

    Raises:
        ConfigError: If h5py is not installed.
        DataError: If the file cannot be read.
    """
    try:
        return import_h5py().File(path, "r")
    except FileNotFoundError:
        raise DataError(f"{path}: missing") from None
    except OSError as error:
        raise DataError(f"{path}: expected an HDF5 file, found: {error}") from error
