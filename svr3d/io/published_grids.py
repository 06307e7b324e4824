# SPDX-License-Identifier: Apache-2.0
"""The orders of axes in which published voxel grids are stored.

Voxel IoU of the neural mesh renderer and of what followed it turns predicted grids into
the order of the data; here the data are turned into the object frame instead, once. The
published world has z the other way round than the object frame, and that is in these
orders, too. Sources: hiroharu-kato/mesh_reconstruction, ``3D-GAN.py`` of
bomb2peng/learn3D.
"""

import numpy as np

# Data set -> axes of the file that become x, y, z; which of these are reversed.
_ORDERS = {
    "CVPR18": ((1, 0, 2), ()),
    "NIPS17": ((2, 1, 0), ()),
    "Pascal3D": ((0, 2, 1), (0, 1)),
}


def to_object_frame(grid: np.ndarray, data: str) -> np.ndarray:
    """Return a published grid in the order [x, y, z] of the object frame.

    Args:
        grid: (..., R, R, R) as in the file.
        data: ``CVPR18`` (neural mesh renderer), ``NIPS17`` (learnt stereo machine) or
            ``Pascal3D`` (view prior learning).
    """
    axes, reversed_axes = _ORDERS[data]
    first = grid.ndim - 3
    turned = grid.transpose(*range(first), *(first + axis for axis in axes))
    return np.flip(turned, [first + axis for axis in reversed_axes])


def from_object_frame(grid: np.ndarray, data: str) -> np.ndarray:
    """Return a grid of the object frame as the file of a data set has it.

    Args:
        grid: (..., R, R, R) in the order [x, y, z].
        data: As of :func:`to_object_frame`.
    """
    axes, reversed_axes = _ORDERS[data]
    first = grid.ndim - 3
    straight = np.flip(grid, [first + axis for axis in reversed_axes])
    places = np.argsort(axes)
    return straight.transpose(*range(first), *(first + place for place in places))
