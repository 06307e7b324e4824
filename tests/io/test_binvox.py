# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from svr3d.errors import DataError
from svr3d.io.binvox import decode_binvox, encode_binvox, read_binvox, write_binvox

HEADER = b"#binvox 1\ndim 2 2 2\ntranslate 0 0 0\nscale 1\ndata\n"


@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 4, 4), (3, 5, 7), (32, 32, 32)])
@pytest.mark.parametrize("density", [0.0, 0.02, 0.5, 1.0])
def test_round_trip(tmp_path, shape, density):
    voxels = np.random.default_rng(0).random(shape) < density
    path = tmp_path / "model.binvox"
    write_binvox(path, voxels, translate=(-0.1, 0.2, 1e-7), scale=0.3)
    grid = read_binvox(path)
    np.testing.assert_array_equal(grid.voxels, voxels)
    assert grid.voxels.dtype == np.uint8
    assert grid.translate == (-0.1, 0.2, 1e-7) and grid.scale == 0.3


def test_y_runs_fastest_then_z():
    voxels = np.zeros((2, 2, 2), bool)
    voxels[0, 1, 0] = True
    assert encode_binvox(voxels).split(b"data\n")[1] == bytes([0, 1, 1, 1, 0, 6])


def test_runs_of_exactly_255_cells_take_one_pair():
    content = encode_binvox(np.ones((1, 1, 255), bool))
    assert content.split(b"data\n")[1] == bytes([1, 255])
    content = encode_binvox(np.ones((1, 1, 256), bool))
    assert content.split(b"data\n")[1] == bytes([1, 255, 1, 1])


@pytest.mark.parametrize(
    "content, message",
    [
        (HEADER + bytes([1, 7]), "runs over 8 voxels .* found 7"),
        (HEADER + bytes([1, 9]), "runs over 8 voxels .* found 9"),
        (HEADER + bytes([1, 8, 0]), "odd number of bytes"),
        (HEADER + bytes([1, 8, 0, 4]), "found 12"),
        (HEADER + bytes([2, 8]), "values 0 and 1, found 2"),
        (HEADER + bytes([1, 0, 1, 8]), "run lengths of 1 to 255, found 0"),
        (HEADER, "found 0"),
        (b"", "expected a line 'data'"),
        (b"PNG\n", "first line '#binvox 1'"),
        (HEADER.replace(b"binvox 1", b"binvox 2"), "first line"),
        (HEADER[:-5], "expected a line 'data'"),
        (HEADER.replace(b"dim 2 2 2", b"dim 2 2"), r"3 finite number\(s\)"),
        (HEADER.replace(b"dim 2 2 2", b"dim 2 2 0"), "positive whole dimensions"),
        (HEADER.replace(b"dim 2 2 2", b"dim 2 2 2.5"), "positive whole dimensions"),
        (HEADER.replace(b"dim 2", b"dim 99999999 99999999 99999999 2"), "finite"),
        (HEADER.replace(b"2 2 2", b"9999999 9999999 9999999"), "at most"),
        (HEADER.replace(b"scale 1", b"scale 0"), "positive scale"),
        (HEADER.replace(b"scale 1", b"scale nan"), "finite"),
        (HEADER.replace(b"scale 1\n", b""), "header line 'scale'"),
        (HEADER.replace(b"scale 1", b"dim 2 2 2"), "one line each"),
        (HEADER.replace(b"scale", b"size"), "one line each"),
    ],
)
def test_broken_files_are_refused(tmp_path, content, message):
    path = tmp_path / "broken.binvox"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        read_binvox(path)
    assert str(path) in str(error.value)


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        read_binvox(tmp_path / "absent.binvox")


@pytest.mark.parametrize(
    "voxels, options, message",
    [
        (np.zeros((2, 2)), {}, "grid"),
        (np.zeros((2, 0, 2)), {}, "grid"),
        (np.full((2, 2, 2), 0.5), {}, "0 and 1"),
        (np.full((2, 2, 2), 256), {}, "0 and 1"),
        (np.full((2, 2, 2), -1), {}, "0 and 1"),
        (np.zeros((2, 2, 2)), {"scale": 0.0}, "positive scale"),
        (np.zeros((2, 2, 2)), {"translate": (0, 0, float("inf"))}, "finite"),
        (np.zeros((2, 2, 2)), {"translate": (0, 0)}, "three"),
    ],
)
def test_wrong_grids_are_not_written(tmp_path, voxels, options, message):
    path = tmp_path / "model.binvox"
    with pytest.raises(DataError, match=message):
        write_binvox(path, voxels, **options)
    assert not path.exists()


def test_numbers_count_as_occupancy():
    voxels = np.eye(4)[None].repeat(4, axis=0)
    decoded = decode_binvox(encode_binvox(voxels)).voxels
    np.testing.assert_array_equal(decoded, voxels)
