# SPDX-License-Identifier: Apache-2.0
"""Cameras, lights and whole scenes of the neural mesh renderer, as recorded."""

import numpy as np
import pytest
import torch

from svr3d.ops import neural_rasterize
from svr3d.renderers.neural_cameras import (
    look,
    look_at,
    perspective,
    points_from_angles,
    project_calibrated,
)
from svr3d.renderers.neural_lighting import light_textures


def tensors(golden, golden_dir, name):
    given, expected = golden.load(golden_dir / "nmr" / name)
    return {k: torch.from_numpy(v) for k, v in given.items()}, expected


def test_cameras(golden, golden_dir):
    given, expected = tensors(golden, golden_dir, "camera")
    vertices = given["vertices"]
    eye = points_from_angles(given["distance"], given["elevation"], given["azimuth"])
    scalars = (given[k][0].double() for k in ("distance", "elevation", "azimuth"))
    found = {
        "eye": eye,
        "eye_scalar": points_from_angles(*scalars),
        "look_at": look_at(vertices, eye),
        "look_at_full": look_at(vertices, eye, given["at"], given["up"]),
        "look": look(vertices, eye, given["direction"]),
        "perspective": perspective(look_at(vertices, eye), 15.0),
    }
    for name, value in found.items():
        np.testing.assert_allclose(
            value, expected[name], rtol=1e-5, atol=1e-5, err_msg=name
        )
    projected = project_calibrated(
        vertices, given["K"], given["R"], given["t"], given["dist_coeffs"], 64
    )
    np.testing.assert_allclose(projected, expected["projection"], rtol=1e-4, atol=1e-4)


def test_lighting(golden, golden_dir):
    given, expected = tensors(golden, golden_dir, "lighting")
    lit = light_textures(given["faces"], given["textures"])
    np.testing.assert_allclose(lit, expected["default"], atol=1e-5)
    lit = light_textures(
        given["faces"],
        given["textures"],
        ambient=0.3,
        ambient_color=(1, 0.5, 0.2),
        directional=0.8,
        directional_color=(0.2, 0.6, 1),
        direction=(0.6, 0, -0.8),
    )
    np.testing.assert_allclose(lit, expected["coloured"], atol=1e-5)


def close_images(found, expected):
    """Equal but for 0.1 % of the pixels, where an edge passes a sample."""
    wrong = np.abs(found.detach().numpy() - expected) > 1e-4 * max(1, expected.max())
    assert wrong.mean() <= 1e-3


def close_slopes(found, expected):
    assert np.abs(found.numpy() - expected).max() <= 1e-2 * np.abs(expected).max()


@pytest.fixture
def scene(golden, golden_dir):
    given, expected = tensors(golden, golden_dir, "mesh_lookat")
    vertices = given["vertices"].clone().requires_grad_()
    eye = points_from_angles(given["distance"], given["elevation"], given["azimuth"])
    image = perspective(look_at(vertices, eye), 15.0)
    np.testing.assert_allclose(
        image.detach(), expected["vertices_ndc"], rtol=1e-5, atol=1e-5
    )
    return given, expected, vertices, image


def test_silhouettes_and_depth_of_a_scene(scene):
    given, expected, vertices, image = scene
    settings = {"image_size": 32, "eps": 1e-4}
    for name, field in (("silhouettes", "alpha"), ("depth", "depth")):
        drawn = getattr(neural_rasterize(image, given["faces"], **settings), field)
        close_images(drawn, expected[name])
        (slopes,) = torch.autograd.grad(
            (drawn * given["grad_image"]).sum(), vertices, retain_graph=True
        )
        close_slopes(slopes, expected[f"grad_vertices.{name}"])
    alpha, target = (
        neural_rasterize(image, given["faces"], **settings).alpha,
        given["target"],
    )
    both = (alpha * target).sum((1, 2))
    loss = 1 - (both / (alpha + target - alpha * target).sum((1, 2))).mean()
    assert loss.item() == pytest.approx(expected["iou_loss"].item(), abs=1e-4)
    (slopes,) = torch.autograd.grad(loss, vertices)
    close_slopes(slopes, expected["grad_vertices.iou_loss"])


def test_colours_of_a_scene(scene):
    """Lights need the reversed copies, whose normals are opposite, one by one."""
    given, expected, vertices, image = scene
    faces = given["faces"].long()
    faces = torch.cat((faces, faces.flip(1)))
    cubes = torch.ones(len(vertices), len(faces), 2, 2, 2, 3)
    cubes = light_textures(vertices[:, faces], cubes)
    rgb = neural_rasterize(
        image, faces, cubes, image_size=32, fill_back=False, eps=1e-3
    ).rgb
    close_images(rgb, expected["rgb"])
    (rgb * given["grad_rgb"]).sum().backward()
    close_slopes(vertices.grad, expected["grad_vertices.rgb"])
