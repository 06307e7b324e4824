# SPDX-License-Identifier: Apache-2.0
"""What the converters of Occupancy Networks' layout share."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from svr3d.datasets.occnet_files import FolderFiles
from svr3d.errors import DataError


@dataclass
class ConversionReport:
    """What a conversion did.

    Attributes:
        out: What it wrote.
        made: Objects that this run converted.
        kept: Objects that were there.
        failures: Reason by object, for each that could not be converted.
        seconds: Duration of the run.
    """

    out: Path
    made: int = 0
    kept: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


def open_tree(root: str | Path) -> FolderFiles:
    """Return the files of a data set in folders.

    Raises:
        DataError: If there is no such folder, or it has no categories.
    """
    files = FolderFiles(Path(root))
    if not files.root.is_dir() or not files.categories():
        raise DataError(f"{root}: expected folders <category>/<model>, found none")
    return files


def list_names(files: FolderFiles) -> dict[str, list[str]]:
    """Return the names of the lists ``*.lst`` by category."""
    return {
        category: sorted(
            name for name in files.list_files(category) if name.endswith(".lst")
        )
        for category in files.categories()
    }


def listed_objects(files: FolderFiles) -> list[str]:
    """Return ``<category>/<model>`` of every model in any list, in order.

    Raises:
        DataError: If no list names a model.
    """
    found: dict[str, None] = {}
    for category, names in list_names(files).items():
        for name in names:
            for model in files.model_list(f"{category}/{name}"):
                found[f"{category}/{model}"] = None
    if not found:
        raise DataError(
            f"{files.root}: expected models in <category>/*.lst, found none"
        )
    return list(found)


def watch(items: Iterable[str], total: int, progress: bool, what: str) -> Iterator[str]:
    """Show a progress bar on the standard error stream, if one is wanted."""
    if not progress:
        return iter(items)
    from tqdm import tqdm

    return iter(tqdm(items, total=total, unit="object", desc=what, smoothing=0.05))
