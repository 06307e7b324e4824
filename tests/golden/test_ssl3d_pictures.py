# SPDX-License-Identifier: Apache-2.0
"""Pictures of ssl3d against what its programs drew."""

import numpy as np
import pytest
import torch

from svr3d.geometry.rotations import axis_rotation
from svr3d.visualization.balls import draw_balls, draw_two_clouds, fit_to_picture
from svr3d.visualization.part_maps import part_picture, without_outliers

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


def test_helpers(golden, golden_dir):
    given, expected = golden.load(golden_dir / "ssl3d" / "helpers")
    ours = part_picture(given["labels"])
    np.testing.assert_array_equal(ours, expected["labels2img"])
    ours = part_picture(given["onehot"].argmax(-1))
    np.testing.assert_array_equal(ours, expected["labels2img_onehot"])
    cloud = given["cloud"]
    np.testing.assert_array_equal(without_outliers(cloud), expected["remove_outliers"])
    assert (without_outliers(cloud, limit=9) == cloud).all()
    x, y = torch.tensor([0.4, -1.1], dtype=torch.float64)
    turned = cloud @ (axis_rotation(0, -x) @ axis_rotation(1, -y)).numpy()
    back = cloud @ (axis_rotation(1, y) @ axis_rotation(0, x)).numpy()
    np.testing.assert_allclose(turned, expected["np_rotate"], rtol=1e-6)
    np.testing.assert_allclose(back, expected["np_rotate_inv"], rtol=1e-6)
    np.testing.assert_allclose(turned[None], expected["tf_rotate"], atol=1e-6)


def test_labels_that_do_not_fit():
    assert (part_picture(np.array([[8]])) == part_picture(np.array([[1]]))).all()
    for labels in (np.array([[-1]]), np.array([[0.5]])):
        with pytest.raises(ValueError, match="labels: expected integers from 0"):
            part_picture(labels)
