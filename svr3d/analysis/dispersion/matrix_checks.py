# SPDX-License-Identifier: Apache-2.0
"""What a matrix of distances must be like."""

import numpy as np

from svr3d.errors import DataError

_BLOCK = 2048


def check_matrix(distances: np.ndarray, name: str = "distances") -> np.ndarray:
    """Return a square matrix of float32 or float64 as it is; nothing is read.

    Raises:
        DataError: If it is something else.
    """
    shape = np.shape(distances)
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
        raise DataError(f"{name}: expected a square matrix (N, N), found shape {shape}")
    if distances.dtype not in (np.float32, np.float64):
        raise DataError(f"{name}: expected float32 or float64, found {distances.dtype}")
    return distances


def check_distances(distances: np.ndarray, name: str = "distances") -> np.ndarray:
    """Return a matrix after reading all of it, block by block.

    Raises:
        DataError: If it is not square, holds a number that is not finite, is not
            symmetric, or its diagonal is not zero; up to rounding.
    """
    check_matrix(distances, name)
    size = len(distances)
    scale = max(1e-30, max(_largest(distances, name)))
    if np.abs(np.diagonal(distances)).max() > 1e-5 * scale:
        raise DataError(
            f"{name}: expected zeros on the diagonal, found "
            f"{float(np.abs(np.diagonal(distances)).max()):g}"
        )
    for row in range(0, size, _BLOCK):
        rows = slice(row, row + _BLOCK)
        for column in range(row, size, _BLOCK):
            columns = slice(column, column + _BLOCK)
            difference = distances[rows, columns] - distances[columns, rows].T
            if np.abs(difference).max() > 1e-4 * scale:
                raise DataError(f"{name}: expected a symmetric matrix, found another")
    return distances


def _largest(distances: np.ndarray, name: str):
    for row in range(0, len(distances), _BLOCK):
        block = distances[row : row + _BLOCK]
        least, most = float(block.min()), float(block.max())
        if not (np.isfinite(least) and np.isfinite(most)):
            raise DataError(f"{name}: expected finite numbers, found NaN or infinity")
        yield most
