# SPDX-License-Identifier: Apache-2.0
"""The category names and model lists of Occupancy Networks' data.

Source: autonomousvision/occupancy_networks ``im2mesh/data/core.py``.
"""

import json
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

import yaml

from svr3d.errors import DataError

METADATA_FILE = "metadata.yaml"


def parse_model_list(text: str, *, source: str) -> list[str]:
    """Return the models of a list, one per line; blank lines do not count.

    Args:
        text: The content of ``train.lst`` or another list.
        source: What error messages call it.

    Raises:
        DataError: If the list names a model twice.
    """
    names = [line.strip() for line in text.splitlines()]
    names = [name for name in names if name]
    seen = set()
    for name in names:
        if name in seen:
            raise DataError(f"{source}: expected each model once, found {name!r} twice")
        seen.add(name)
    return names


def write_model_list(path: str | PathLike, names: Sequence[str]) -> None:
    """Write a list of models, one per line and no newline after the last.

    Published readers take what follows a last newline for a model without a name.
    """
    Path(path).write_text("\n".join(names), encoding="utf-8")


def parse_category_names(text: str, *, source: str) -> dict[str, str]:
    """Return the display names of categories by folder.

    Of several names, such as ``airplane,aeroplane,plane``, the first counts.

    Args:
        text: The content of ``metadata.yaml``.
        source: What error messages call it.

    Raises:
        DataError: If the text is not a mapping of folders to names.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DataError(f"{source}: expected YAML, found an error: {error}") from error
    if not isinstance(content, dict):
        raise DataError(
            f"{source}: expected a mapping of folders, found {type(content).__name__}"
        )
    names = {}
    for category, entry in content.items():
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not name.strip(", "):
            raise DataError(
                f"{source}: expected a text 'name' for category {category!r}, found "
                f"{entry!r}"
            )
        names[str(category)] = name.split(",")[0].strip()
    return names


def write_category_names(folder: str | PathLike, names: Mapping[str, str]) -> None:
    """Write ``metadata.yaml``, in JSON, as published.

    Args:
        folder: Root of the data set; it must exist.
        names: Display names by folder.
    """
    entries = {
        category: {"id": category, "name": names[category]} for category in names
    }
    text = json.dumps(entries, indent=4) + "\n"
    (Path(folder) / METADATA_FILE).write_text(text, encoding="utf-8")
