# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of TensorFlow's ``Saver``, read as data and without TensorFlow.

``<name>.index`` is a sorted table of blocks (the format of LevelDB): the empty key
holds a header, every other one the name of a variable and where its bytes lie in
``<name>.data-<shard>-of-<shards>``. Messages in it are protocol buffers. Source:
``tensorflow/core/util/tensor_bundle`` and ``tensorflow/core/protobuf/
tensor_bundle.proto`` of tensorflow/tensorflow.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from svr3d.errors import CheckpointError

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 6: "i1", 9: "<i8", 10: "?", 19: "<f2"}


def read_tensorflow_checkpoint(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read all variables of a checkpoint.

    Args:
        path: The ``.index`` file, or the name in front of it.

    Returns:
        Name -> array, in the order of the names.

    Raises:
        CheckpointError: If a file is missing, broken or of another kind.
    """
    path = Path(path)
    index = path if path.suffix == ".index" else path.with_name(f"{path.name}.index")
    prefix = index.with_suffix("")
    try:
        table = index.read_bytes()
        entries = dict(_entries(table))
        header = dict(_fields(entries.pop(b"")))
    except OSError as error:
        raise CheckpointError(
            f"{index}: expected the index of a TensorFlow checkpoint, found: "
            f"{error.strerror or error}"
        ) from error
    except (ValueError, IndexError, KeyError) as error:
        raise CheckpointError(
            f"{index}: expected the index of a TensorFlow checkpoint, found a broken "
            f"one or another file ({error})"
        ) from error
    shards = header.get(1, 1)
    if header.get(2, 0) != 0:
        raise CheckpointError(f"{index}: expected little-endian numbers")
    data: dict[int, np.ndarray] = {}
    arrays = {}
    for key, value in entries.items():
        name = key.decode()
        kind, shape, shard, offset, size = _describe(value, name, index)
        if shard not in data:
            file = Path(f"{prefix}.data-{shard:05d}-of-{shards:05d}")
            if not file.is_file():
                raise CheckpointError(f"{file}: expected it beside {index.name}")
            data[shard] = np.fromfile(file, np.uint8)
        raw = data[shard][offset : offset + size]
        expected = math.prod(shape) * np.dtype(kind).itemsize
        if len(raw) != expected or size != expected:
            raise CheckpointError(
                f"{index}: {name}: expected {expected} bytes, found {len(raw)}"
            )
        arrays[name] = raw.view(kind).reshape(shape)
    return arrays


def _describe(
    value: bytes, name: str, index: Path
) -> tuple[str, tuple[int, ...], int, int, int]:
    """Return type, shape, shard, offset and size of a variable."""
    fields = dict(_fields(value))
    kind = _TYPES.get(fields.get(1, 0))
    if kind is None or 7 in fields:
        raise CheckpointError(
            f"{index}: {name}: expected a whole array of numbers, found type "
            f"{fields.get(1, 0)}{' in slices' if 7 in fields else ''}"
        )
    shape = tuple(
        dict(_fields(dim)).get(1, 0)
        for number, dim in _fields(fields.get(2, b""))
        if number == 2
    )
    return kind, shape, *(fields.get(number, 0) for number in (3, 4, 5))


def _entries(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values of a sorted table."""
    footer = table[-_FOOTER:]
    if len(footer) < _FOOTER or int.from_bytes(footer[-8:], "little") != _MAGIC:
        raise ValueError("no table")
    _, _, position = _handle(footer, 0)
    offset, size, _ = _handle(footer, position)
    for _, handle in _block(table, offset, size):
        yield from _block(table, *_handle(handle, 0)[:2])


def _block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values of a block, whose keys share their beginnings."""
    block = table[offset : offset + size]
    if len(block) != size or table[offset + size] != 0:
        raise ValueError("a block is cut off or compressed")
    restarts = int.from_bytes(block[-4:], "little")
    end = size - 4 * (restarts + 1)
    position, key = 0, b""
    while position < end:
        shared, position = _varint(block, position)
        rest, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + rest]
        position += rest
        yield key, block[position : position + length]
        position += length


def _handle(data: bytes, position: int) -> tuple[int, int, int]:
    """Return offset and size of a block, and where the handle ends."""
    offset, position = _varint(data, position)
    size, position = _varint(data, position)
    return offset, size, position


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of a protocol buffer's fields."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, position = _varint(message, position)
        elif wire == 2:
            length, position = _varint(message, position)
            value, position = message[position : position + length], position + length
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
            value = int.from_bytes(message[position : position + length], "little")
            position += length
        else:
            raise ValueError(f"a field of kind {wire}")
        yield number, value
