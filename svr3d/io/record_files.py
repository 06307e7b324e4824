# SPDX-License-Identifier: Apache-2.0
"""Record files of TensorFlow (TFRecord) that hold examples of byte strings.

A record is a length (8 bytes, little-endian), the masked CRC-32C of the length, the
content and the masked CRC-32C of the content. The content is a ``tf.train.Example``, a
protocol buffer: a map from names to lists of byte strings. Nothing of TensorFlow is
needed to read that much.
"""

import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from typing import NamedTuple

from svr3d.errors import DataError

_LENGTH = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")
_LENGTH_DELIMITED = 2


class RecordPlace(NamedTuple):
    """Where the content of a record lies in its file.

    Attributes:
        offset: Of the first byte of the content.
        length: Bytes of the content.
    """

    offset: int
    length: int


def find_records(path: str | PathLike) -> list[RecordPlace]:
    """Return the places of all records of a file; the checksums of lengths must hold.

    Raises:
        DataError: If the file cannot be read, is cut short or is no record file.
    """
    places = []
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            position = 0
            while position < size:
                file.seek(position)
                head = file.read(_LENGTH.size)
                if len(head) < _LENGTH.size:
                    raise _cut_short(path, position, size)
                length, checksum = _LENGTH.unpack(head)
                if masked_checksum(head[:8]) != checksum:
                    raise DataError(
                        f"{path}: expected a record at byte {position}, found a length "
                        "with a wrong checksum"
                    )
                offset = position + _LENGTH.size
                position = offset + length + _CHECKSUM.size
                if position > size:
                    raise _cut_short(path, offset, size)
                places.append(RecordPlace(offset, length))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    return places


def read_record(
    path: str | PathLike, place: RecordPlace, *, check: bool = False
) -> dict[str, bytes]:
    """Return the first byte string of each feature of a record.

    Args:
        path: The file.
        place: One of :func:`find_records`.
        check: Compare the checksum of the content as well, which takes some ten
            milliseconds for 100 kB.

    Raises:
        DataError: If the file is missing, or the record is damaged or something else.
    """
    try:
        with open(path, "rb") as file:
            file.seek(place.offset)
            content = file.read(place.length)
            checksum = file.read(_CHECKSUM.size)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    source = f"{path}: record at byte {place.offset}"
    if len(content) < place.length or len(checksum) < _CHECKSUM.size:
        raise DataError(f"{source}: expected {place.length} bytes, found the end")
    if check and masked_checksum(content) != _CHECKSUM.unpack(checksum)[0]:
        raise DataError(
            f"{source}: expected the checksum of its content, found another"
        )
    return _decode_example(memoryview(content), source)


def write_records(path: str | PathLike, records: Iterable[Mapping[str, bytes]]) -> int:
    """Write a file of examples; it has its name only once it is complete.

    Args:
        path: The file; its folder must exist.
        records: A byte string for each feature of each record.

    Returns:
        The number of records.
    """
    count, draft = 0, f"{os.fspath(path)}.new"
    with open(draft, "wb") as file:
        for features in records:
            content = _encode_example(features)
            length = struct.pack("<Q", len(content))
            file.write(length + _CHECKSUM.pack(masked_checksum(length)))
            file.write(content + _CHECKSUM.pack(masked_checksum(content)))
            count += 1
    os.replace(draft, path)
    return count


def masked_checksum(content: bytes) -> int:
    """Return the CRC-32C of bytes, rotated and shifted as record files store it."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _make_table() -> list[int]:
    """Return the table of the CRC-32C (Castagnoli), reflected."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _make_table()


def _cut_short(path, position, size):
    return DataError(
        f"{path}: truncated: expected a whole record at byte {position}, found the "
        f"file's end after {size} bytes"
    )


def _decode_example(content: memoryview, source: str) -> dict[str, bytes]:
    """Return the features of an ``Example``.

    ``Example.features`` (1) holds ``Features.feature`` (1), a map whose entries have a
    key (1) and a value (2), a ``Feature`` with a ``bytes_list`` (1) of values (1).
    """
    try:
        features = {}
        for body in _fields(content, 1):
            for entry in _fields(body, 1):
                name = bytes(next(_fields(entry, 1))).decode()
                value = next(_fields(entry, 2))
                values = next(_fields(value, 1), None)
                first = None if values is None else next(_fields(values, 1), None)
                if first is not None:
                    features[name] = bytes(first)
    except (ValueError, IndexError, StopIteration) as error:
        raise DataError(
            f"{source}: expected an example of byte strings, found something else"
        ) from error
    return features


def _fields(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """Yield the contents of the length-delimited fields of a number."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, kind = tag >> 3, tag & 7
        if kind == _LENGTH_DELIMITED:
            length, position = _varint(message, position)
            end = position + length
        elif kind == 0:
            _, end = _varint(message, position)
        elif kind in (1, 5):
            end = position + (8 if kind == 1 else 4)
        else:
            raise ValueError(f"wire type {kind}")
        if end > len(message):
            raise ValueError("cut short")
        if number == wanted and kind == _LENGTH_DELIMITED:
            yield message[position:end]
        position = end


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return the number at a position and the position behind it."""
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def _encode_example(features: Mapping[str, bytes]) -> bytes:
    """Return an ``Example`` of byte strings; see :func:`_decode_example`."""
    entries = b""
    for name, value in features.items():
        feature = _field(1, _field(1, value))
        entries += _field(1, _field(1, name.encode()) + _field(2, feature))
    return _field(1, entries)


def _field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field."""
    size, digits = len(content), bytearray()
    while size > 0x7F:
        digits.append(size & 0x7F | 0x80)
        size >>= 7
    digits.append(size)
    return bytes([number << 3 | _LENGTH_DELIMITED]) + bytes(digits) + content
