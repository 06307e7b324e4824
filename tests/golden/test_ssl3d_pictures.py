# SPDX-License-Identifier: Apache-2.0
"""Drawn balls against what the published renderer drew."""

import numpy as np
import pytest

from svr3d.visualization.balls import draw_balls, draw_two_clouds, fit_to_picture

# Of the part labels 1 to 4, as the program's table has them.
PART_COLORS = {1: (187, 0, 255), 2: (255, 60, 0), 3: (68, 255, 0), 4: (0, 187, 255)}


@pytest.fixture(scope="module")
def case(golden, golden_dir):
    given, expected = golden.load(golden_dir / "ssl3d" / "ball_drawing")
    return given, {name: image[..., ::-1] for name, image in expected.items()}


def close(ours, expected):
    """At most one level on at most half a per cent of the pixels."""
    apart = np.abs(ours.astype(int) - expected).max(axis=-1)
    return apart.max() <= 1 and (apart > 0).mean() <= 0.005


def test_one_cloud(case):
    pixels = fit_to_picture(case[0]["xyz"], size=64)
    assert close(draw_balls(pixels, size=64), case[1]["one"])


def test_parts(case):
    given, expected = case
    table = np.zeros((5, 3))
    for label, color in PART_COLORS.items():
        table[label] = color
    pixels = fit_to_picture(given["xyz"], size=64)
    ours = draw_balls(pixels, table[given["labels"]], size=64)
    assert close(ours, expected["parts"])


def test_two_clouds(case):
    given, expected = case
    ours = draw_two_clouds(given["xyz"], given["xyz2"], size=64)
    assert close(ours, expected["two"])
