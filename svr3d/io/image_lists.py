# SPDX-License-Identifier: Apache-2.0
"""Lists of images, ``<model>_<view>``, in numpy's files: splits and neighbours."""

import math
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from svr3d.errors import CheckpointError, DataError
from svr3d.io.array_pickles import read_array_pickle


def read_image_list(path: str | PathLike) -> list[tuple[str, int]]:
    """Read a split list of the DRC images.

    An array (n, 1) or (n,) of ``<model>_<view>``, of objects as published or of plain
    text. Pickled objects are read without running anything. Source:
    klnavaneet/ssl_3d_recon ``splits/images_list_*.npy``.

    Returns:
        Model and view of each image, in the file's order.

    Raises:
        DataError: If the file is missing, or is something else.
    """
    names = _read_names(path)
    if names and isinstance(names[0], list):
        names = [row[0] for row in names if len(row) == 1]
    return [split_image_name(name, source=str(path)) for name in names]


def write_image_list(path: str | PathLike, images: Sequence[tuple[str, int]]) -> None:
    """Write a split list as published: an array (n, 1) of objects.

    Args:
        path: The file; its folder must exist.
        images: Model and view of each image.
    """
    rows = np.empty((len(images), 1), object)
    rows[:, 0] = [f"{model}_{view}" for model, view in images]
    np.save(path, rows, allow_pickle=True)


def read_neighbors(path: str | PathLike) -> dict[str, list[str]]:
    """Read a list of nearest neighbours.

    An array (n, 1 + K) of image names: the image of which a row speaks, then its
    neighbours by rank. Rows are found by their first name: those of the published
    files are one place away from the split lists. Of rows that speak of one image the
    first counts. Source: klnavaneet/ssl_3d_recon ``data/knn_list_*.npy``.

    Returns:
        Names of the neighbours by name of the image, nearest first.

    Raises:
        DataError: If the file is missing, or is something else.
    """
    rows = _read_names(path)
    neighbors: dict[str, list[str]] = {}
    for row in rows:
        if not isinstance(row, list) or len(row) < 2:
            raise DataError(
                f"{path}: expected rows of an image and its neighbours, found {row!r}"
            )
        neighbors.setdefault(row[0], row[1:])
    return neighbors


def write_neighbors(path: str | PathLike, neighbors: dict[str, Sequence[str]]) -> None:
    """Write a list of nearest neighbours as published: an array of byte strings.

    Args:
        path: The file; its folder must exist.
        neighbors: As many names for each image, nearest first.
    """
    rows = [[name, *others] for name, others in neighbors.items()]
    np.save(path, np.char.encode(np.array(rows, dtype=np.str_), "utf-8"))


def split_image_name(name: str, *, source: str) -> tuple[str, int]:
    """Return model and view of ``<model>_<view>``.

    Raises:
        DataError: If the name has no number after its last underscore.
    """
    model, _, view = str(name).rpartition("_")
    if not model or not view.isdecimal():
        raise DataError(f"{source}: expected <model>_<view>, found {name!r}")
    return model, int(view)


def _read_names(path: str | PathLike) -> list:
    """Return the content of an array of names as (nested) lists of text."""
    try:
        with Path(path).open("rb") as stream:
            version = np.lib.format.read_magic(stream)
            read_header = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, _, dtype = read_header(stream)
            if dtype.kind == "O":
                names = _flat(read_array_pickle(stream, source=str(path)))
                if len(names) != math.prod(shape):
                    raise ValueError(f"{len(names)} names for the shape {shape}")
                names = np.array(names, np.str_).reshape(shape)
            else:
                stream.seek(0)
                names = np.load(stream, allow_pickle=False)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, CheckpointError) as error:
        raise DataError(
            f"{path}: expected an array of image names, found: {error}"
        ) from error
    if names.dtype.kind == "S":
        names = np.char.decode(names, "utf-8")
    if names.dtype.kind != "U" or names.ndim not in (1, 2):
        raise DataError(
            f"{path}: expected rows of image names, found {names.dtype} of shape "
            f"{names.shape}"
        )
    return names.tolist()


def _flat(value) -> list[str]:
    """Return the texts of nested lists, in order.

    Raises:
        ValueError: If something else is among them.
    """
    if isinstance(value, list):
        return [name for part in value for name in _flat(part)]
    if isinstance(value, bytes):
        return [value.decode()]
    if not isinstance(value, str):
        raise ValueError(f"{type(value).__name__} among the names")
    return [value]
