# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from svr3d.errors import DataError
from svr3d.io.cameras import (
    read_cameras,
    read_rendering_metadata,
    write_cameras,
    write_rendering_metadata,
)

ROWS = np.array([[3.748429, 28.695136, 0, 0.731472, 25], [57.4, 26.3, 0, 0.9, 25]])


def test_metadata_round_trip(tmp_path):
    path = tmp_path / "rendering_metadata.txt"
    write_rendering_metadata(path, ROWS)
    assert path.read_text().startswith("3.748429 28.695136 0 0.731472 25\n")
    np.testing.assert_array_equal(read_rendering_metadata(path), ROWS)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "one line per image"),
        ("1 2 0 0.5 25\n1 2 0 0.5\n", "line 2: expected 5"),
        ("1 2 0 x 25\n", "line 1: expected 5"),
        ("1 2 0 nan 25\n", "line 1: expected 5 finite"),
    ],
)
def test_broken_metadata_is_refused(tmp_path, text, message):
    path = tmp_path / "rendering_metadata.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as error:
        read_rendering_metadata(path)
    assert str(path) in str(error.value)


def test_wrong_metadata_is_not_written(tmp_path):
    with pytest.raises(DataError, match=r"\(N, 5\)"):
        write_rendering_metadata(tmp_path / "m.txt", ROWS[:, :3])


def test_camera_archive_round_trip(tmp_path):
    rng = np.random.default_rng(0)
    extrinsics, intrinsics = rng.random((12, 3, 4)), rng.random((12, 3, 3))
    write_cameras(tmp_path / "cameras.npz", extrinsics, intrinsics)
    found = read_cameras(tmp_path / "cameras.npz")
    np.testing.assert_array_equal(found[0], extrinsics)
    np.testing.assert_array_equal(found[1], intrinsics)


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"other": np.eye(3)}, "expected world_mat_0"),
        ({"world_mat_0": np.eye(3, 4)}, "camera_mat_0 .* found None"),
        ({"world_mat_0": np.eye(4), "camera_mat_0": np.eye(3)}, r"found \(4, 4\)"),
        ({"world_mat_1": np.eye(3, 4), "camera_mat_1": np.eye(3)}, "world_mat_0"),
    ],
)
def test_broken_archives_are_refused(tmp_path, arrays, message):
    path = tmp_path / "cameras.npz"
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=message):
        read_cameras(path)


def test_truncated_archive_is_refused(tmp_path):
    path = tmp_path / "cameras.npz"
    write_cameras(path, np.ones((2, 3, 4)), np.ones((2, 3, 3)))
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match=r"cameras\.npz"):
        read_cameras(path)
