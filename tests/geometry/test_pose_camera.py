# SPDX-License-Identifier: Apache-2.0
"""The two-angle camera against the recorded program and closed forms."""

import math

import numpy as np
import pytest
import torch

from svr3d.geometry.pose_camera import project_to_pixels, turn_to_camera


def test_recorded_projections(golden, golden_dir):
    given, expected = golden.load(golden_dir / "ssl3d" / "camera")
    points = torch.from_numpy(given["xyz"]).requires_grad_()
    poses = torch.from_numpy(given["pose"]).requires_grad_()
    turned = turn_to_camera(points, poses)
    pixels = project_to_pixels(turned)
    (pixels * torch.from_numpy(given["weight"])).sum().backward()
    close = {"rtol": 1e-5, "atol": 1e-4}
    np.testing.assert_allclose(turned.detach(), expected["cam"], **close)
    np.testing.assert_allclose(pixels.detach(), expected["persp"], **close)
    close = {"rtol": 1e-4, "atol": 1e-2}
    np.testing.assert_allclose(points.grad, expected["grad.xyz"], **close)
    np.testing.assert_allclose(poses.grad, expected["grad.pose"], **close)


def test_the_origin_is_in_the_middle_whatever_the_pose():
    poses = torch.rand(5, 2) * 6
    pixels = project_to_pixels(turn_to_camera(torch.zeros(5, 1, 3), poses))
    expected = torch.tensor([32.0, 32.0, 2.0]).expand(5, 1, 3)
    torch.testing.assert_close(pixels, expected)
    larger = project_to_pixels(
        turn_to_camera(torch.zeros(5, 1, 3), poses), image_size=128
    )
    torch.testing.assert_close(larger[..., :2], 2 * expected[..., :2])


def test_angles_turn_about_x_then_y():
    quarter = torch.tensor([[math.pi / 2, 0.0], [0.0, math.pi / 2]])
    points = torch.tensor([[[0.0, 1, 0]], [[0.0, 0, 1]]])
    turned = turn_to_camera(points, quarter, distance=0.0)
    expected = torch.tensor([[[0.0, 0, 1]], [[1.0, 0, 0]]])
    torch.testing.assert_close(turned, expected)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"points: .*found \(4, 3\)"):
        turn_to_camera(torch.zeros(4, 3), torch.zeros(4, 2))
    with pytest.raises(ValueError, match=r"poses: expected \(1, 2\), found \(2, 2\)"):
        turn_to_camera(torch.zeros(1, 4, 3), torch.zeros(2, 2))
