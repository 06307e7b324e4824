# SPDX-License-Identifier: Apache-2.0
"""The annotations of Pix3D, and where the shapes that they name lie."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from svr3d.errors import DataError
from svr3d.io.splits import CategorySplit

FLAGS = ("truncated", "occluded", "slightly_occluded")
"""What an annotation says about how much of the object is visible."""


def read_annotations(path: Path) -> dict[str, dict[str, Any]]:
    """Return the entries of ``pix3d.json`` by ``<category>/<image>``.

    Args:
        path: The file.

    Raises:
        DataError: If it is missing or not such a list, with the entry to blame.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path}: expected JSON, found an error: {error}") from error
    by_name = {}
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        missing = {"img", "bbox", "img_size", "voxel"} - set(entry)
        if missing:
            raise DataError(f"{path}: entry {number}: expected a key {min(missing)!r}")
        name = PurePosixPath(entry["img"]).relative_to("img").with_suffix("")
        by_name[str(name)] = {"mask": entry["img"].replace("img", "mask", 1)} | entry
    if not by_name:
        raise DataError(f"{path}: expected a list of annotations, found none")
    return by_name


def binvox_path(entry: Mapping[str, Any]) -> PurePosixPath:
    """Return where a binvox file of an entry's shape lies, below the data root.

    Args:
        entry: An object of ``pix3d.json``.
    """
    stored = PurePosixPath(entry["voxel"])
    return stored.with_name(f"{stored.stem.replace('voxel', 'model')}.binvox")


def all_for_testing(entries: Mapping[str, Mapping[str, Any]]) -> list[CategorySplit]:
    """Return all photographs as test samples, categories in alphabetical order.

    Args:
        entries: What :func:`read_annotations` returned.
    """
    names: dict[str, list[str]] = {}
    for name in entries:
        category, _, image = name.partition("/")
        names.setdefault(category, []).append(image)
    return [
        CategorySplit(category, category, {"train": [], "test": images})
        for category, images in sorted(names.items())
    ]


def is_excluded(entry: Mapping[str, Any], flags: Collection[str], source: str) -> bool:
    """Return whether an annotation carries one of the flags.

    Args:
        entry: An object of ``pix3d.json``.
        flags: Some of ``FLAGS``.
        source: What error messages call the entry.

    Raises:
        DataError: If it does not say.
    """
    for flag in flags:
        if not isinstance(entry.get(flag), bool):
            raise DataError(
                f"{source}: expected {flag!r} to be true or false, "
                f"found {entry.get(flag)!r}"
            )
    return any(entry[flag] for flag in flags)
