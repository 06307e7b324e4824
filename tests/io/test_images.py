# SPDX-License-Identifier: Apache-2.0
import cv2
import numpy as np
import pytest

from svr3d.errors import DataError
from svr3d.io.images import check_image_file, read_image


def picture(channels, dtype=np.uint8):
    limit = np.iinfo(dtype).max
    shape = (40, 50, channels) if channels > 1 else (40, 50)
    return np.random.default_rng(0).integers(0, limit, shape, dtype, endpoint=True)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_is_read_exactly(tmp_path, channels):
    path = tmp_path / "image.png"
    pixels = picture(channels)
    cv2.imwrite(str(path), pixels)
    expected = np.dstack([pixels] * 3) if channels == 1 else pixels
    np.testing.assert_array_equal(read_image(path), expected)
    assert check_image_file(path) is None


def test_sixteen_bits_are_rounded_to_eight(tmp_path):
    path = tmp_path / "image.png"
    pixels = picture(3, np.uint16)
    cv2.imwrite(str(path), pixels)
    np.testing.assert_array_equal(read_image(path), np.round(pixels / 257.0))


@pytest.mark.parametrize("name", ["image.png", "image.jpg"])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.9, 0.999])
def test_truncated_files_are_refused(tmp_path, name, kept):
    path = tmp_path / name
    cv2.imwrite(str(path), picture(3))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(DataError, match="truncated") as error:
        read_image(path)
    assert str(path) in str(error.value)
    assert "truncated" in check_image_file(path)


def test_damaged_png_is_refused(tmp_path):
    path = tmp_path / "image.png"
    cv2.imwrite(str(path), picture(4))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match="checksum of chunk b'IDAT'"):
        read_image(path)


@pytest.mark.parametrize(
    "content, message", [(b"", "empty"), (b"hello, world", "something else")]
)
def test_other_files_are_refused(tmp_path, content, message):
    path = tmp_path / "image.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_image(path)
    assert check_image_file(path) is not None


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        read_image(tmp_path / "absent.png")
    assert check_image_file(tmp_path / "absent.png") == "missing"
