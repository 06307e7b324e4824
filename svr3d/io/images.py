# SPDX-License-Identifier: Apache-2.0
"""Strict reading of images: a truncated or damaged file is an error, never grey."""

import os
import struct
import zlib
from os import PathLike
from pathlib import Path

import cv2
import numpy as np

from svr3d.errors import DataError

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_JPEG_START = b"\xff\xd8"
_JPEG_END = b"\xff\xd9"


def read_image(path: str | PathLike) -> np.ndarray:
    """Read an image file.

    Args:
        path: PNG, JPEG or another format that OpenCV knows.

    Returns:
        Pixels (H, W, 3) BGR or (H, W, 4) BGRA, uint8. Grey images are tripled and
        16-bit images rounded to 8 bits.

    Raises:
        DataError: If the file is missing, truncated, damaged or not an image.
    """
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    return decode_image(content, source=str(path))


def decode_image(content: bytes, *, source: str = "image data") -> np.ndarray:
    """Decode the bytes of an image file.

    OpenCV fills what is missing from a truncated PNG or JPEG without a word, so the
    container is checked first: chunks and their checksums of PNG, the end marker of
    JPEG.

    Args:
        content: The whole file.
        source: What error messages call the file.

    Returns:
        Pixels as ``read_image`` returns them.

    Raises:
        DataError: If the content is truncated, damaged or not an image.
    """
    if not content:
        raise DataError(f"{source}: expected an image, found an empty file")
    if content.startswith(_PNG_SIGNATURE):
        _check_png(content, source)
    elif content.startswith(_JPEG_START):
        _check_jpeg(content, source)
    try:
        flags = cv2.IMREAD_UNCHANGED
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise DataError(f"{source}: cannot be decoded: {error.err}") from error
    if image is None:
        raise DataError(f"{source}: expected an image, found something else")
    if image.dtype == np.uint16:
        image = ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if image.dtype != np.uint8:
        raise DataError(f"{source}: expected 8 or 16 bits, found {image.dtype}")
    if image.ndim == 2 or image.shape[2] == 1:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    if image.shape[2] not in (3, 4):
        raise DataError(f"{source}: expected 1, 3 or 4 channels, found {image.shape}")
    return image


def check_image_file(path: str | PathLike) -> str | None:
    """Check the start and the end of an image file without decoding it.

    This finds missing, empty and truncated files in a few microseconds, so a whole
    data set can be checked before training.

    Args:
        path: The image file.

    Returns:
        What is wrong, or None.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(len(_PNG_SIGNATURE))
            if not head:
                return "empty file"
            if head == _PNG_SIGNATURE:
                file.seek(-min(len(_PNG_END), file.seek(0, os.SEEK_END)), os.SEEK_END)
                return None if file.read() == _PNG_END else "truncated PNG"
    except OSError as error:
        return "missing" if isinstance(error, FileNotFoundError) else error.strerror
    if not head.startswith(_JPEG_START):
        return "not a PNG or JPEG"
    try:
        _check_jpeg(Path(path).read_bytes(), "")
    except DataError:
        return "truncated JPEG"
    return None


def _check_png(content, source):
    """Walk the chunks of a PNG and compare their checksums."""
    position = len(_PNG_SIGNATURE)
    view = memoryview(content)
    while position + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        end = position + 12 + length
        if end > len(content):
            break
        (expected,) = struct.unpack_from(">I", content, end - 4)
        if zlib.crc32(view[position + 4 : end - 4]) != expected:
            raise DataError(
                f"{source}: damaged PNG: the checksum of chunk {kind!r} is wrong"
            )
        if kind == b"IEND":
            return
        position = end
    raise DataError(
        f"{source}: truncated PNG: expected an IEND chunk, found the file's end after "
        f"{len(content)} bytes"
    )


def _check_jpeg(content, source):
    """Walk the segments of a JPEG to its scan and look for the end marker."""
    position = 2
    while position + 4 <= len(content) and content[position] == 0xFF:
        if content[position + 1] == 0xFF:
            position += 1
            continue
        if content[position + 1] == 0xDA:
            if content.find(_JPEG_END, position) >= 0:
                return
            break
        position += 2 + struct.unpack_from(">H", content, position + 2)[0]
    raise DataError(
        f"{source}: truncated JPEG: expected an end marker, found the file's end after "
        f"{len(content)} bytes"
    )
