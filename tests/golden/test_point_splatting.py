# SPDX-License-Identifier: Apache-2.0
"""Splatting against what the published renderers of ssl3d computed."""

import numpy as np
import pytest
import torch

from svr3d.geometry.pose_camera import project_to_pixels, turn_to_camera
from svr3d.ops import splat_points


@pytest.mark.parametrize("name", ["mask_renderer", "mask_renderer_64"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_silhouettes(golden, golden_dir, name, dtype):
    given, expected = golden.load(golden_dir / "ssl3d" / name)
    points = torch.from_numpy(given["uvz"]).to(dtype).requires_grad_()
    weight = torch.from_numpy(given["weight"])
    mask = splat_points(points, image_size=tuple(weight.shape[1:])).silhouette
    (mask * weight).sum().backward()
    np.testing.assert_allclose(mask.detach(), expected["mask"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(points.grad, expected["grad.uvz"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["colour_renderer", "partseg_renderer"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_features(golden, golden_dir, name, dtype):
    given, expected = golden.load(golden_dir / "ssl3d" / name)
    points = torch.from_numpy(given["uvz"]).to(dtype).requires_grad_()
    features = torch.from_numpy(given["feat"]).to(dtype).requires_grad_()
    weight = torch.from_numpy(given["weight"])
    parts = name == "partseg_renderer"
    images = splat_points(
        points,
        features,
        image_size=tuple(weight.shape[1:3]),
        silhouette=False,
        background_channel=parts,
    )
    (images.image * weight).sum().backward()
    tolerance = {"rtol": 1e-4, "atol": 1e-6}
    np.testing.assert_allclose(images.image.detach(), expected["image"], **tolerance)
    mask = 1 - images.foreground if parts else images.foreground
    np.testing.assert_array_equal(mask, expected["mask"])
    tolerance = {"rtol": 1e-3, "atol": 1e-6}
    np.testing.assert_allclose(points.grad, expected["grad.uvz"], **tolerance)
    np.testing.assert_allclose(features.grad, expected["grad.feat"], **tolerance)


def test_rendered_views(golden, golden_dir):
    given, expected = golden.load(golden_dir / "ssl3d" / "render_view")
    leaves = [
        torch.from_numpy(given[k]).double().requires_grad_()
        for k in ("xyz", "rgb", "pose")
    ]
    points, colors, poses = leaves
    pixels = project_to_pixels(turn_to_camera(points, poses))
    images = splat_points(pixels, colors, image_size=(64, 64))
    image, mask = images.image, images.silhouette
    off = np.abs(image.detach().numpy() - expected["image"]).max(-1) > 1e-4
    assert off.mean() <= 1e-3
    np.testing.assert_allclose(mask.detach(), expected["mask"], rtol=1e-4, atol=1e-5)
    for name, out, wanted in (
        ("image", image, ("xyz", "rgb", "pose")),
        ("mask", mask, ("xyz", "", "pose")),
    ):
        weight = torch.from_numpy(given[f"weight_{name}"])
        pulls = torch.autograd.grad(
            (out * weight).sum(), leaves, retain_graph=True, allow_unused=True
        )
        for pull, leaf in zip(pulls, wanted, strict=True):
            if leaf:
                theirs = expected[f"{name}_grad.{leaf}"]
                scale = np.abs(theirs).max()
                np.testing.assert_allclose(pull, theirs, rtol=1e-3, atol=1e-4 * scale)
