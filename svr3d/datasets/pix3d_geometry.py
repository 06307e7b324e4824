# SPDX-License-Identifier: Apache-2.0
"""Pix3D's voxel grids and cameras in the frames of the data contract."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
import torch
from torch import Tensor

from svr3d.errors import DataError
from svr3d.geometry.cameras import camera_centres, to_object_frame
from svr3d.io.matlab import read_matlab_array

_SENSOR_WIDTH = 32.0


def read_voxel_mat(path: str | PathLike, resolution: int) -> np.ndarray:
    """Read a ``voxel.mat`` of the Pix3D download.

    Its axes point left, outward and up in the canonical view; those of the mesh point
    left, up and inward. The grid is turned into the mesh's axes and pooled: a cell is
    occupied where any of its parts is.

    Args:
        path: The file, an array ``voxel`` (S, S, S).
        resolution: Side R of the result; must divide S.

    Returns:
        Occupancy (R, R, R) uint8, index order ``[x, y, z]``.

    Raises:
        DataError: If the file is missing or broken, or its grid does not fit.
    """
    grid = read_matlab_array(path, "voxel")
    side = 0 if grid.ndim != 3 else grid.shape[0]
    if not side or grid.shape != (side,) * 3 or side % resolution:
        raise DataError(
            f"{path}: expected a cubic array 'voxel' whose side is a multiple of "
            f"{resolution}, found {grid.shape}"
        )
    turned = (grid != 0).transpose(0, 2, 1)[:, :, ::-1]
    part = side // resolution
    cells = turned.reshape(resolution, part, resolution, part, resolution, part)
    return np.ascontiguousarray(cells.any(axis=(1, 3, 5))).astype(np.uint8)


def pix3d_camera(
    entry: Mapping[str, Any],
    translate: Sequence[float] = (-0.5, -0.5, -0.5),
    scale: float = 1.0,
) -> tuple[Tensor, Tensor, list[float]] | None:
    """Return the camera of an annotation.

    ``rot_mat`` and ``trans_mat`` map the mesh to a camera that looks along +z with x to
    the left and y up; ``focal_length`` is in millimetres on a 32 mm sensor.

    Args:
        entry: An object of ``pix3d.json``.
        translate: Lower corner of the voxel grid in the mesh frame.
        scale: Side of the voxel grid in the mesh frame.

    Returns:
        Extrinsics (1, 3, 4) in the object frame, intrinsics (1, 3, 3), and azimuth,
        elevation (degrees) and distance of the camera; None if the entry has no camera.
    """
    if not all(name in entry for name in ("rot_mat", "trans_mat", "focal_length")):
        return None
    turn = torch.diag(torch.tensor([-1.0, -1.0, 1.0], dtype=torch.float64))
    rotation = turn @ torch.tensor(entry["rot_mat"], dtype=torch.float64)
    shift = turn @ torch.tensor(entry["trans_mat"], dtype=torch.float64)
    extrinsics = torch.cat([rotation, shift[:, None]], dim=1)[None]
    width, height = entry["img_size"]
    focal = entry["focal_length"] / _SENSOR_WIDTH * width
    intrinsics = torch.tensor(
        [[[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]]],
        dtype=torch.float64,
    )
    extrinsics = to_object_frame(extrinsics, translate, scale)
    x, y, z = camera_centres(extrinsics)[0].tolist()
    distance = float(np.sqrt(x * x + y * y + z * z))
    azimuth = float(np.degrees(np.arctan2(z, x))) % 360
    elevation = float(np.degrees(np.arcsin(y / distance)))
    return extrinsics, intrinsics, [azimuth, elevation, distance]
