# SPDX-License-Identifier: Apache-2.0
"""Clouds are drawn from where they are said to be seen, cameras where they stand."""

import numpy as np
import pytest
import torch

from svr3d.structures import PointCloud
from svr3d.visualization import draw_balls, draw_cameras, draw_two_clouds, turntable

RED, GREEN = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


def test_nearer_balls_hide_farther_ones():
    pixels = np.array([[10.0, 10, 0], [10, 10, 9], [4, 20, 0]])
    colors = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]])
    picture = draw_balls(pixels, colors, size=32, radius=4)
    assert (picture[10, 10] == [0, 255, 0]).all() and not picture[..., 0].any()
    blue = np.argwhere(picture[..., 2] > 0)
    np.testing.assert_array_equal(blue.mean(0), [4, 20])
    assert 0.25 * 255 < picture[4, 20, 2] < picture[10, 10, 1]
    swapped = draw_balls(pixels[::-1], colors[::-1], size=32, radius=4)
    np.testing.assert_array_equal(picture, swapped)
    edge = draw_balls(np.array([[0.0, 31, 0], [50, 50, 0]]), size=32, radius=4)
    assert edge.any() and not edge[10:].any()
    assert not draw_balls(np.zeros((0, 3)), size=8).any()
    bright = draw_balls(pixels, colors, size=32, radius=4, ambient=0.5)
    shown = picture.any(-1)
    assert bright[shown].max(-1).min() >= 127 > picture[shown].max(-1).min()
    with pytest.raises(ValueError, match="pixels: expected"):
        draw_balls(np.zeros((3, 2)), size=8)


def test_second_cloud_lies_over_the_first():
    cloud = np.random.default_rng(0).normal(size=(50, 3))
    picture = draw_two_clouds(cloud, cloud, size=48)
    assert not picture[..., 1].any() and picture[..., 0].any()


def test_turntable_shows_sides_and_colors():
    """A red point on +x and a green one on top, seen from +x and from -x."""
    points = torch.tensor([[[0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.3]]])
    colors = torch.tensor([[RED, GREEN, (0.0, 0.0, 1.0)]])
    cloud = PointCloud(points, colors=colors)
    views = turntable(cloud, 2, first_azimuth=0.0, elevation=0.0).astype(int)
    for view in views:
        rows, columns = np.nonzero(view[..., 1] - view[..., 0] > 60)
        assert rows.max() < 40 and abs(columns.mean() - 128) < 3
    front, back = ((view[..., 0] - view[..., 1]).clip(0).sum() for view in views)
    assert front > back  # nearness lights it
    # +z is to the left of who looks from +x, y up.
    blue = [np.nonzero(v[..., 2] - v[..., 1] > 60)[1].mean() for v in views]
    assert blue[0] < 70 and blue[1] > 186
    plain = turntable(PointCloud(points), 1, size=64)
    assert (plain[0][0, 0] == 255).all() and (plain < 200).any()


def test_cameras(tmp_path):
    true = torch.rand(6, 2)
    path = draw_cameras(true + 0.1, true, tmp_path / "plots/cameras.png")
    assert path.stat().st_size > 5000
    other = draw_cameras(
        true + 0.1, true, tmp_path / "other.png", rotation=torch.eye(3)
    )
    assert path.read_bytes() != other.read_bytes()
