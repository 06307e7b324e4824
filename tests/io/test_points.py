# SPDX-License-Identifier: Apache-2.0
"""Point files in the layout of Occupancy Networks."""

import numpy as np
import pytest

from svr3d.errors import DataError
from svr3d.io.points import (
    OccupancyPoints,
    SurfacePoints,
    read_pointcloud,
    read_points,
    write_pointcloud,
    write_points,
)


@pytest.fixture
def points():
    rng = np.random.default_rng(0)
    positions = rng.random((101, 3)).astype(np.float16)
    return OccupancyPoints(positions, rng.random(101) < 0.4, np.ones(3), 2.5)


def test_points_come_back(tmp_path, points):
    write_points(tmp_path / "points.npz", points)
    back = read_points(tmp_path / "points.npz")
    assert back.points.dtype == np.float32 and back.occupancies.dtype == bool
    assert np.array_equal(back.points, points.points.astype(np.float32))
    assert np.array_equal(back.occupancies, points.occupancies)
    assert back.loc.tolist() == [1, 1, 1] and back.scale == 2.5


def test_points_have_the_published_layout(tmp_path, points):
    write_points(tmp_path / "points.npz", points)
    arrays = np.load(tmp_path / "points.npz")
    assert arrays["points"].dtype == np.float16
    assert arrays["occupancies"].dtype == np.uint8
    assert arrays["occupancies"].shape == (13,)  # big-endian bits, padded
    assert arrays["occupancies"][0] >> 7 == points.occupancies[0]
    assert arrays["loc"].shape == (3,) and arrays["scale"].shape == ()


def test_unpacked_labels(tmp_path, points):
    for labels in (points.occupancies, points.occupancies.astype(np.float32)):
        np.savez(tmp_path / "p.npz", points=points.points, occupancies=labels)
        back = read_points(tmp_path / "p.npz")
        assert np.array_equal(back.occupancies, points.occupancies)
        assert back.scale == 1.0


def test_pointcloud_comes_back(tmp_path, points):
    normals = np.tile([0.0, 1.0, 0.0], (101, 1))
    write_pointcloud(tmp_path / "c.npz", SurfacePoints(points.points, normals))
    back = read_pointcloud(tmp_path / "c.npz")
    assert np.array_equal(back.points, points.points.astype(np.float32))
    assert np.array_equal(back.normals, normals)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "expected arrays points, occupancies, found none"),
        ({"points": np.zeros((4, 3))}, "expected arrays points, occupancies"),
        ({"points": np.zeros((4, 2)), "occupancies": np.zeros(4)}, r"shape \(N, 3\)"),
        ({"points": np.zeros((4, 3), int), "occupancies": np.zeros(4)}, "as floats"),
        ({"points": np.full((4, 3), np.nan), "occupancies": np.zeros(4)}, "finite"),
        ({"points": np.zeros((4, 3)), "occupancies": np.zeros(3)}, "of 4 points"),
        (
            {"points": np.zeros((1, 3)), "occupancies": np.zeros(1), "scale": 0.0},
            "positive scale",
        ),
    ],
)
def test_wrong_arrays(tmp_path, arrays, message):
    np.savez(tmp_path / "p.npz", **arrays)
    with pytest.raises(DataError, match=message):
        read_points(tmp_path / "p.npz")


def test_normals_must_match(tmp_path):
    np.savez(tmp_path / "c.npz", points=np.zeros((4, 3)), normals=np.zeros((3, 3)))
    with pytest.raises(DataError, match=r"as many normals as points \(4\), found 3"):
        read_pointcloud(tmp_path / "c.npz")


def test_broken_files(tmp_path, points):
    path = tmp_path / "points.npz"
    with pytest.raises(DataError, match="no such file"):
        read_points(path)
    write_points(path, points)
    data = path.read_bytes()
    for content in (b"", b"text", data[: len(data) // 2]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"points\.npz: expected an npz archive"):
            read_points(path)


def test_pickles_are_refused(tmp_path):
    path = tmp_path / "p.npz"
    np.savez(path, points=np.array([{}], object), occupancies=np.zeros(1))
    with pytest.raises(DataError, match="expected an npz archive of arrays"):
        read_points(path)
