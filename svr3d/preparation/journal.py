# SPDX-License-Identifier: Apache-2.0
"""What a build remembers between runs, in ``OUT/.build``."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from svr3d.errors import ConfigError, DataError
from svr3d.preparation.settings import BuildSettings

JOURNAL = ".build"

# Settings that say how many objects there are, not what each of them holds.
_COUNTS = {"variants"}


def record_path(root: Path, sample_id: str) -> Path:
    """Return the file that says that an object is complete."""
    category, model = sample_id.split("/", 1)
    return root / JOURNAL / "objects" / category / f"{model}.json"


def temporary_folder(root: Path) -> Path:
    """Return the folder for half-made objects; it is emptied by the next run."""
    return root / JOURNAL / "temporary"


def read_record(root: Path, sample_id: str) -> dict | None:
    """Return the record of a finished object, or None."""
    try:
        return json.loads(record_path(root, sample_id).read_text())
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def open_journal(
    root: Path, settings: BuildSettings, *, overwrite: bool = False
) -> Iterator[None]:
    """Hold a data set for one build: lock it and compare its settings.

    Args:
        root: Folder of the data set; made if it is missing.
        settings: Settings of this run.
        overwrite: Forget all finished objects, whatever their settings were.

    Raises:
        ConfigError: Finished objects have other settings.
        DataError: The folder cannot be written, or another build is at work in it.
    """
    journal = root / JOURNAL
    try:
        journal.mkdir(parents=True, exist_ok=True)
        lock = open(journal / "lock", "w")
    except OSError as error:
        raise DataError(
            f"{root}: expected a folder that can be written, found {error.strerror}"
        ) from error
    with lock:
        _lock(lock, root)
        shutil.rmtree(temporary_folder(root), ignore_errors=True)
        if overwrite:
            shutil.rmtree(journal / "objects", ignore_errors=True)
        elif (journal / "objects").is_dir():
            _compare(journal / "settings.json", settings)
        draft = journal / "settings.json.new"
        draft.write_text(json.dumps(settings.to_dict(), indent=1) + "\n")
        os.replace(draft, journal / "settings.json")
        (journal / "objects").mkdir(exist_ok=True)
        temporary_folder(root).mkdir()
        try:
            yield
        finally:
            shutil.rmtree(temporary_folder(root), ignore_errors=True)


def _lock(lock, root: Path) -> None:
    try:
        import fcntl
    except ImportError:  # no advisory locks on this system
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DataError(
            f"{root}: expected no other build in this folder, found one at work"
        ) from None
    except OSError:  # a network folder without locks
        return


def _compare(path: Path, settings: BuildSettings) -> None:
    try:
        before = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path}: expected the settings of an earlier build, found {error}; "
            "give --overwrite to build anew"
        ) from error
    # Settings that an earlier version did not know had their defaults.
    before = BuildSettings().to_dict() | before
    now = settings.to_dict()
    different = [
        f"{name}: {before.get(name)!r} before, {now.get(name)!r} now"
        for name in sorted((before.keys() | now.keys()) - _COUNTS)
        if before.get(name) != now.get(name)
    ]
    if different:
        raise ConfigError(
            f"{path.parent.parent}: expected the settings of the objects that are "
            f"already built, found other ones ({'; '.join(different)}); choose another "
            "folder or give --overwrite"
        )
