# SPDX-License-Identifier: Apache-2.0
"""Files that are either the old one or the new one, never half of it."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_TEMPORARY = re.compile(r"^\..+\.(\d+)\.part$")


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Open a file for writing that takes the path's name only once it is complete.

    The content goes to a hidden file in the same folder, is flushed to the disk, and
    replaces the path in one step. If the block raises, the old file stays.

    Args:
        path: Where the file shall be.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def write_text_atomically(path: str | os.PathLike, text: str) -> None:
    """Write text to a file in one step."""
    with atomic_file(path) as file:
        file.write(text.encode())


def remove_leftovers(folder: str | os.PathLike) -> list[Path]:
    """Remove what writers left in a folder that were killed while writing.

    Returns:
        The files that were removed. Those of living processes of this machine stay.
    """
    removed = []
    for path in Path(folder).glob(".*.part"):
        match = _TEMPORARY.match(path.name)
        if match and not _is_alive(int(match[1])):
            with contextlib.suppress(OSError):
                path.unlink()
                removed.append(path)
    return removed


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _sync_folder(folder: Path) -> None:
    """Make a rename last over a power cut, where the system allows it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
