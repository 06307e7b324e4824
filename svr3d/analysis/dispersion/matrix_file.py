# SPDX-License-Identifier: Apache-2.0
"""Symmetric matrices that are computed block by block, and go on where they stopped."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from svr3d.errors import DataError

# compute(rows, columns) -> (R, C); the two ranges are equal or do not overlap.
ComputeBlock = Callable[[slice, slice], np.ndarray]

_SECONDS_BETWEEN_NOTES = 20.0
_HASHED = 1 << 24  # bytes that are read at a time


def fill_symmetric(
    size: int,
    compute: ComputeBlock,
    *,
    block: int,
    path: str | Path | None = None,
    content: Mapping[str, Any] | None = None,
    progress: str = "",
) -> np.ndarray:
    """Compute the upper half of a symmetric matrix in blocks and mirror it.

    With a path, the matrix is a memory-mapped ``.npy`` file, and a journal beside it
    (``<path>.journal``) names the finished blocks: the same call after an interruption
    computes the others. A finished matrix of the same content is returned as it is.

    Args:
        size: N.
        compute: Function of two ranges of samples that returns their distances.
            The lower half of a block on the diagonal is ignored.
        block: Samples along the side of a block.
        path: ``.npy`` file; None keeps the matrix in memory.
        content: What the matrix is computed from, builtins only. A matrix and journal
            of other content are replaced.
        progress: What the progress bar says; without it there is none.

    Returns:
        float32 (N, N) with a zero diagonal; with a path, a map of the file.

    Raises:
        DataError: If the file cannot be written.
    """
    tiles = [(i, j) for i in range(0, size, block) for j in range(i, size, block)]
    if path is None:
        matrix, done, journal = np.zeros((size, size), np.float32), set(), None
    else:
        path = Path(path)
        header = {"size": size, "block": block, "content": dict(content or {})}
        matrix, done = _open(path, header)
        journal = _Journal(_journal_path(path), matrix)
    todo = [tile for tile in tiles if tile not in done]
    try:
        for i, j in _watched(todo, len(tiles), progress):
            rows = slice(i, min(i + block, size))
            columns = slice(j, min(j + block, size))
            part = np.asarray(compute(rows, columns), dtype=np.float32)
            if i == j:
                part = np.triu(part, 1)
                part = part + part.T
            matrix[rows, columns] = part
            matrix[columns, rows] = part.T
            if journal is not None:
                journal.add(i, j)
    finally:
        if journal is not None:
            journal.close()
    return matrix


def content_hash(array: np.ndarray) -> str:
    """Return a short hash of an array's shape, type and numbers, read in pieces."""
    digest = hashlib.sha256(f"{array.shape} {array.dtype.str}".encode())
    rows = max(1, _HASHED // max(1, array[:1].nbytes))
    for start in range(0, len(array), rows):
        digest.update(np.ascontiguousarray(array[start : start + rows]).data)
    return digest.hexdigest()[:16]


class _Journal:
    """Notes finished blocks, some at a time, after their numbers are on the disk."""

    def __init__(self, path: Path, matrix: np.memmap):
        self._file = open(path, "a", encoding="utf-8")
        self._matrix, self._waiting = matrix, []
        self._last = time.monotonic()

    def add(self, i: int, j: int) -> None:
        self._waiting.append((i, j))
        if time.monotonic() - self._last > _SECONDS_BETWEEN_NOTES:
            self._write()

    def _write(self) -> None:
        self._matrix.flush()
        self._file.writelines(f"{i} {j}\n" for i, j in self._waiting)
        self._file.flush()
        self._waiting, self._last = [], time.monotonic()

    def close(self) -> None:
        self._write()
        self._file.close()


def _journal_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.journal")


def _open(path: Path, header: Mapping[str, Any]) -> tuple[np.memmap, set]:
    """Return the matrix and the blocks that it holds already."""
    journal = _journal_path(path)
    size = header["size"]
    # As a journal reads it back: tuples are lists there.
    first = json.dumps(header, sort_keys=True)
    text = journal.read_text() if journal.is_file() else ""
    whole = text[: text.rfind("\n") + 1]  # without a last line that was cut off
    lines = whole.splitlines()
    if lines and lines[0] == first and path.is_file():
        matrix = np.load(path, mmap_mode="r+")
        if matrix.shape == (size, size) and matrix.dtype == np.float32:
            journal.write_text(whole)
            return matrix, {tuple(map(int, line.split())) for line in lines[1:]}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        journal.unlink(missing_ok=True)
        matrix = np.lib.format.open_memmap(
            path, mode="w+", dtype=np.float32, shape=(size, size)
        )
        journal.write_text(first + "\n")
    except OSError as error:
        raise DataError(
            f"{path}: expected a file that can be written, with "
            f"{4 * size * size / 1e9:.1f} GB of room, found {error.strerror}"
        ) from error
    return matrix, set()


def _watched(todo: list, total: int, what: str) -> Iterator[tuple[int, int]]:
    if not what:
        return iter(todo)
    from tqdm import tqdm

    bar = tqdm(todo, total=total, initial=total - len(todo), unit="block", desc=what)
    return iter(bar)
