# SPDX-License-Identifier: Apache-2.0
"""Lists of which models train, validate and test."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from svr3d.errors import DataError

SPLITS = ("train", "val", "test")
"""Names of the splits, in file order."""


@dataclass(frozen=True)
class CategorySplit:
    """The models of one category.

    Attributes:
        taxonomy_id: Folder name of the category, such as a WordNet synset.
        name: Display name.
        models: Model names by split; a split that the file leaves out is absent.
        baseline: Published voxel IoU by number of views, such as ``{"5-view": 0.55}``.
    """

    taxonomy_id: str
    name: str
    models: Mapping[str, Sequence[str]]
    baseline: Mapping[str, float] = field(default_factory=dict)

    def of(self, split: str) -> Sequence[str]:
        """Return the models of a split, in file order.

        Natural-image lists have no ``val``; their test list stands for it, as in
        Pix2Vox.

        Args:
            split: ``train``, ``val`` or ``test``.
        """
        if split == "val" and "val" not in self.models:
            split = "test"
        return self.models.get(split, ())


def read_taxonomy(path: str | PathLike) -> list[CategorySplit]:
    """Read a split file in the layout that Pix2Vox ships.

    A JSON list with one object per category: ``taxonomy_id``, ``taxonomy_name``,
    optional ``baseline`` and lists ``train``, ``val``, ``test`` of model names. Source:
    hzxie/Pix2Vox ``datasets/*.json``.

    Args:
        path: The JSON file.

    Returns:
        The categories in file order.

    Raises:
        DataError: If the file is missing, is not of this layout, names a category
            twice, or has a model twice in one category.
    """
    try:
        entries = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path}: expected JSON, found an error: {error}") from error
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{path}: expected a list of categories, found none")
    categories = [
        _parse_category(entry, f"{path}: category {position}")
        for position, entry in enumerate(entries)
    ]
    seen = set()
    for category in categories:
        if category.taxonomy_id in seen:
            raise DataError(
                f"{path}: expected each category once, found "
                f"{category.taxonomy_id!r} twice"
            )
        seen.add(category.taxonomy_id)
    return categories


def write_taxonomy(path: str | PathLike, categories: Iterable[CategorySplit]) -> None:
    """Write a split file in the layout that Pix2Vox ships.

    Args:
        path: The JSON file; its folder must exist.
        categories: The categories; those without a baseline get no such key.
    """
    entries = []
    for category in categories:
        entry = {
            "taxonomy_id": category.taxonomy_id,
            "taxonomy_name": category.name,
        }
        if category.baseline:
            entry["baseline"] = dict(category.baseline)
        entry |= {split: list(category.models.get(split, ())) for split in SPLITS}
        entries.append(entry)
    text = json.dumps(entries, indent=1) + "\n"
    Path(path).write_text(text, encoding="utf-8")


def list_models(folder: str | PathLike) -> dict[str, list[str]]:
    """List a tree ``<category>/<model>/``.

    Args:
        folder: Root of the tree.

    Returns:
        Sorted model folders by category, categories sorted.

    Raises:
        DataError: If the folder does not exist.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"{root}: expected a folder of categories, found none")
    return {
        category.name: sorted(model.name for model in category.iterdir())
        for category in sorted(root.iterdir())
        if category.is_dir()
    }


def category_model_pairs(
    models: Mapping[str, Iterable[str]], portion: tuple[float, float]
) -> list[tuple[str, str]]:
    """Return the models of a portion of every category.

    3D-R2N2 trains on the portion (0, 0.8) and tests on (0.8, 1). Categories and models
    are sorted by name and cut at ``int(n * portion)``. Source: chrischoy/3D-R2N2
    ``lib/data_io.py``, ``category_model_id_pair``.

    Args:
        models: Model names by category.
        portion: Start and end as fractions of each category.

    Returns:
        Pairs (category, model).

    Raises:
        ValueError: If the portion is not inside [0, 1] or ends before it starts.
    """
    low, high = portion
    if not 0 <= low <= high <= 1:
        raise ValueError(f"portion must be 0 <= low <= high <= 1, found {portion}")
    pairs = []
    for category in sorted(models):
        names = sorted(models[category])
        chosen = names[int(len(names) * low) : int(len(names) * high)]
        pairs += [(category, name) for name in chosen]
    return pairs


def _parse_category(entry, place):
    """Check one object of a split file."""
    if not isinstance(entry, dict) or not isinstance(entry.get("taxonomy_id"), str):
        raise DataError(f"{place}: expected an object with a text taxonomy_id")
    taxonomy_id = entry["taxonomy_id"]
    models = {split: entry[split] for split in SPLITS if split in entry}
    owner = {}
    for split, names in models.items():
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise DataError(
                f"{place} ({taxonomy_id}): expected a list of names as {split!r}"
            )
        for name in names:
            if name in owner:
                raise DataError(
                    f"{place} ({taxonomy_id}): expected each model once, found "
                    f"{name!r} in {owner[name]} and {split}"
                )
            owner[name] = split
    baseline = entry.get("baseline", {})
    if not isinstance(baseline, dict) or not all(
        isinstance(value, int | float) for value in baseline.values()
    ):
        raise DataError(
            f"{place} ({taxonomy_id}): expected baseline as numbers by view count, "
            f"found {baseline!r}"
        )
    name = entry.get("taxonomy_name", taxonomy_id)
    return CategorySplit(taxonomy_id, name, models, baseline)
