# SPDX-License-Identifier: Apache-2.0
"""The files of Pascal3D+ as view prior learning prepared it, and its crops."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from svr3d.errors import DataError
from svr3d.io.npz_arrays import read_npz_array
from svr3d.io.published_grids import to_object_frame

MARGIN = 0.15
"""How much larger than the bounding box a crop is on each side, in sides of the box."""


@dataclass
class Pascal3DFile:
    """The arrays of one category and source.

    Attributes:
        pictures: N pictures (H, W, 3) uint8 RGB of any sizes.
        masks: (N, S, S) uint8, the mask of the reference crop.
        boxes: (N, 4) left, top, width and height in pixels.
        rotations: (N, 3, 3) float32.
        grids: (N, R, R, R) uint8 in the object frame.
    """

    pictures: list[np.ndarray]
    masks: np.ndarray
    boxes: np.ndarray
    rotations: np.ndarray
    grids: np.ndarray

    @classmethod
    def read(cls, path: Path) -> "Pascal3DFile":
        """Read a file.

        Raises:
            DataError: If it is missing or broken, or its arrays do not fit.
        """
        names = (
            "images",
            "images_ref",
            "bounding_boxes",
            "rotation_matrices",
            "voxels",
        )
        pictures, *tables = (read_npz_array(path, name) for name in names)
        count = len(pictures)
        wanted = {
            "images_ref": (count, None, None, 4),
            "bounding_boxes": (count, 4),
            "rotation_matrices": (count, 3, 3),
            "voxels": (count, None, None, None),
        }
        tables = [np.asarray(table) for table in tables]
        for (name, shape), table in zip(wanted.items(), tables, strict=True):
            fits = table.ndim == len(shape) and all(
                size in (None, found)
                for size, found in zip(shape, table.shape, strict=True)
            )
            if not fits or table.dtype == object:
                raise DataError(
                    f"{path}: {name}: expected {shape}, found {table.shape}"
                )
        references, boxes, rotations, grids = tables
        return cls(
            [_picture(p, f"{path}: images[{i}]") for i, p in enumerate(pictures)],
            np.ascontiguousarray(references[..., 3]),
            boxes.astype(np.float64),
            rotations.astype(np.float32),
            np.ascontiguousarray(to_object_frame(grids != 0, "Pascal3D"), np.uint8),
        )


def _picture(value, source: str) -> np.ndarray:
    picture = np.asarray(value)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype == object:
        raise DataError(f"{source}: expected (H, W, 3), found {picture.shape}")
    return picture.astype(np.uint8)


def crop_picture(
    picture: np.ndarray, box: np.ndarray, shifts: np.ndarray, *, source: str
) -> np.ndarray:
    """Cut a bounding box with its margin out of a picture.

    Args:
        picture: (H, W, 3).
        box: Left, top, width and height in pixels.
        shifts: By how much each edge moves, in sides of the box: top, bottom, left,
            right.
        source: What error messages call the picture.

    Raises:
        DataError: If nothing of the picture is left.
    """
    left, top, width, height = box
    y_min, y_max, x_min, x_max = shifts
    rows = slice(
        max(int(top + (y_min - MARGIN) * height), 0),
        max(int(top + height + (y_max + MARGIN) * height), 0),
    )
    columns = slice(
        max(int(left + (x_min - MARGIN) * width), 0),
        max(int(left + width + (x_max + MARGIN) * width), 0),
    )
    cut = picture[rows, columns]
    if cut.size == 0:
        raise DataError(
            f"{source}: expected a bounding box inside of the picture "
            f"{picture.shape[:2]}, found {box.tolist()}"
        )
    return cut


def resize_picture(picture: np.ndarray, side: int) -> np.ndarray:
    """Resize 8-bit pixels (H, W[, 3]) to (side, side[, 3]) as Pillow does, bilinear."""
    resized = Image.fromarray(np.ascontiguousarray(picture)).resize(
        (side, side), Image.Resampling.BILINEAR
    )
    return np.asarray(resized)
