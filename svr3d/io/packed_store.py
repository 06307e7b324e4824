# SPDX-License-Identifier: Apache-2.0
"""One file with the content of many: random access without opening files.

The file is an LMDB database, mapped into memory and shared by all processes that read
it. Keys are names of files, values their bytes, or for archives of arrays the arrays
themselves, uncompressed and aligned, so that a reader takes the rows it wants.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import ClassVar
from weakref import WeakValueDictionary

import numpy as np

from svr3d.errors import ConfigError, DataError

SUFFIX = ".lmdb"
PARTIAL_SUFFIX = ".partial"
FORMAT = 1

_ABOUT = b"\0about"
_SOURCE = b"\0source"
_ALIGNMENT = 64
_MAX_SIZE = 1 << 42
_MAX_NAME = 500


def is_packed_store(path: str | PathLike) -> bool:
    """Tell whether a path is a file with the suffix of packed stores."""
    return str(path).endswith(SUFFIX) and os.path.isfile(path)


class PackedStore:
    """Reads a packed store; each process that uses it opens the file by itself.

    What it returns without copying lives as long as the store.

    Args:
        path: The file.

    Raises:
        ConfigError: If the package lmdb is not installed.
        DataError: If the file cannot be read or is no complete store.
    """

    def __init__(self, path: str | PathLike):
        self.path = Path(path)
        self._opened = None
        about = self._get(_ABOUT)
        try:
            content = json.loads(bytes(about)) if about is not None else {}
        except ValueError:
            content = {}
        if content.get("format") != FORMAT:
            raise DataError(
                f"{self.path}: expected a packed store of format {FORMAT}, found "
                f"{content or 'no description'}"
            )
        self.about = content

    def __contains__(self, name: str) -> bool:
        return self._get(name.encode()) is not None

    def read(self, name: str) -> memoryview:
        """Return the bytes of a file, in the store's own memory.

        Raises:
            DataError: If there is no such file.
        """
        value = self._get(name.encode())
        if value is None:
            raise DataError(f"{self.path}: expected a file {name!r}, found none")
        return value

    def read_arrays(self, name: str) -> dict[str, np.ndarray]:
        """Return the arrays of an archive, read-only, in the store's own memory.

        Raises:
            DataError: If there is no such archive, or the file is not one.
        """
        value = self.read(name)
        try:
            return _decode_arrays(value)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{self.path}: {name!r}: expected arrays, found {error}"
            ) from error

    def __getstate__(self):
        return {"path": self.path, "about": self.about}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._opened = None

    def _get(self, key):
        # What a parent process opened must not be used after a fork.
        if self._opened is None or self._opened.process != os.getpid():
            self._opened = _OpenedFile.of(self.path)
        return self._opened.transaction.get(key) if key else None


class _OpenedFile:
    """A map of a file; a process has only one of each, as LMDB demands."""

    _all: ClassVar[WeakValueDictionary] = WeakValueDictionary()

    def __init__(self, path):
        lmdb = _import_lmdb()
        try:
            self._environment = lmdb.open(
                str(path), subdir=False, readonly=True, lock=False, readahead=False
            )
            self.transaction = self._environment.begin(buffers=True)
        except lmdb.Error as error:
            raise DataError(f"{path}: expected a packed store, found: {error}") from (
                error
            )
        self.process = os.getpid()

    @classmethod
    def of(cls, path):
        """Return the map of a file, opened before or now."""
        try:
            status = os.stat(path)
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror}") from error
        process = os.getpid()
        for inherited in list(cls._all.values()):
            if inherited.process != process:  # LMDB opens no file a second time
                inherited.transaction = inherited._environment = None
        key = (process, status.st_dev, status.st_ino)
        opened = cls._all.get(key)
        if opened is None:
            opened = cls._all[key] = cls(path)
        return opened


class PackedStoreWriter:
    """Fills a store that ``open_writer`` opened."""

    def __init__(self, path: Path, transaction):
        self._path, self._transaction = path, transaction

    def __contains__(self, name: str) -> bool:
        return self._transaction.get(self._key(name)) is not None

    def write(self, name: str, content: bytes) -> None:
        """Add a file."""
        self._transaction.put(self._key(name), content)

    def write_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Add an archive of arrays."""
        self.write(name, _encode_arrays(arrays))

    def _key(self, name):
        key = name.encode()
        if not 0 < len(key) <= _MAX_NAME:
            raise DataError(
                f"{self._path}: expected names of 1 to {_MAX_NAME} bytes, found "
                f"{name[:60]!r}... of {len(key)}"
            )
        return key


class StoreDraft:
    """A store in the making, in ``<path>.partial`` until ``finish``.

    What ``transaction`` has ended stays, so that a stopped run continues.

    Args:
        path: The file that ``finish`` makes; it ends in ``.lmdb``.
        source: What the files come from; a draft that holds others is not continued.

    Raises:
        ConfigError: If the package lmdb is not installed, the suffix is another, or
            there is a draft of another source.
        DataError: If the file cannot be written.
    """

    def __init__(self, path: str | PathLike, *, source: str):
        self.path = Path(path)
        if self.path.suffix != SUFFIX:
            raise ConfigError(
                f"{self.path}: expected a file with the suffix {SUFFIX}, found "
                f"{self.path.suffix or 'none'}"
            )
        self.partial = self.path.with_name(self.path.name + PARTIAL_SUFFIX)
        lmdb = _import_lmdb()
        try:
            self.partial.parent.mkdir(parents=True, exist_ok=True)
            # Unsynchronised between commits: after a crash of the whole machine the
            # draft may be broken, the finished file is synchronised below.
            self._environment = lmdb.open(
                str(self.partial), subdir=False, map_size=_MAX_SIZE, sync=False
            )
        except (OSError, lmdb.Error) as error:
            raise DataError(
                f"{self.partial}: cannot be written or is no draft of a store: {error}"
            ) from error
        with self._environment.begin(write=True) as transaction:
            before = transaction.get(_SOURCE, source.encode()).decode()
            transaction.put(_SOURCE, before.encode())
        if before != source:
            self.close()
            raise ConfigError(
                f"{self.partial}: expected a draft with files of {source}, found those "
                f"of {before}; delete it to begin anew"
            )

    @contextmanager
    def transaction(self) -> Iterator[PackedStoreWriter]:
        """Write some files, all of them or none."""
        with self._environment.begin(write=True) as transaction:
            yield PackedStoreWriter(self.partial, transaction)

    def finish(self, about: Mapping[str, object]) -> None:
        """Describe the store and give it its name."""
        description = json.dumps({**about, "format": FORMAT}).encode()
        with self._environment.begin(write=True) as transaction:
            transaction.put(_ABOUT, description)
            transaction.delete(_SOURCE)
        self._environment.sync(True)
        self.close()
        os.replace(self.partial, self.path)

    def close(self) -> None:
        """Leave the draft as it is."""
        self._environment.close()
        Path(f"{self.partial}-lock").unlink(missing_ok=True)


def _encode_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return a table of contents and the arrays, each aligned."""
    entries, parts, position = [], [], 0
    for name, value in arrays.items():
        array = np.asarray(value, order="C")
        entries.append([name, array.dtype.str, list(array.shape), position])
        size = -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
        parts.append(array.tobytes().ljust(size, b"\0"))
        position += size
    table = json.dumps(entries, separators=(",", ":")).encode()
    start = -(-(8 + len(table)) // _ALIGNMENT) * _ALIGNMENT
    head = (len(table).to_bytes(8, "little") + table).ljust(start, b"\0")
    return head + b"".join(parts)


def _decode_arrays(value: memoryview) -> dict[str, np.ndarray]:
    """Return views of the arrays that ``_encode_arrays`` put together."""
    length = int.from_bytes(value[:8], "little")
    start = -(-(8 + length) // _ALIGNMENT) * _ALIGNMENT
    arrays = {}
    for name, number, shape, position in json.loads(bytes(value[8 : 8 + length])):
        dtype = np.dtype(number)
        count = int(np.prod(shape, dtype=np.int64))
        flat = np.frombuffer(value, dtype, count, start + position)
        arrays[name] = flat.reshape(shape)
    return arrays


def _import_lmdb():
    try:
        import lmdb
    except ImportError as error:
        raise ConfigError(
            "packed stores need the package lmdb, which is not installed; install "
            "svr3d[lmdb]"
        ) from error
    return lmdb
