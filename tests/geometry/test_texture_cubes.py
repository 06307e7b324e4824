# SPDX-License-Identifier: Apache-2.0
"""Texture cubes against the recorded program, closed forms, and bad input."""

import numpy as np
import pytest

from svr3d.geometry.texture_cubes import cubes_to_image, image_to_cubes


def test_recorded_images(golden, golden_dir):
    given, expected = golden.load(golden_dir / "nmr" / "texture_io")
    image, uv = cubes_to_image(given["textures"], tile=16)
    np.testing.assert_allclose(image, expected["texture_image"], atol=1e-5)
    np.testing.assert_allclose(uv, expected["texture_vertices"], atol=1e-6)
    updated = given["is_update"] > 0
    for wrap in ("REPEAT", "MIRRORED_REPEAT", "CLAMP_TO_EDGE", "CLAMP_TO_BORDER"):
        corners = given["uv_any" if "CLAMP" in wrap else "uv_inside"]
        for bilinear in (0, 1):
            cubes = image_to_cubes(
                given["image"], corners, 3, wrap=wrap.lower(), bilinear=bool(bilinear)
            )
            theirs = expected[f"load.{wrap}.{bilinear}"]
            np.testing.assert_allclose(cubes[updated], theirs[updated], atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7])
def test_flat_colours_survive_the_round_trip(count):
    colors = np.random.default_rng(0).uniform(size=(count, 3)).astype(np.float32)
    cubes = np.broadcast_to(colors[:, None, None, None], (count, 4, 4, 4, 3))
    image, uv = cubes_to_image(cubes, tile=8)
    back = image_to_cubes(image[::-1], uv, 4).reshape(count, -1, 3)[:, 1:]
    flat = np.broadcast_to(colors[:, None], back.shape)
    np.testing.assert_allclose(back, flat, atol=1e-5)


def test_a_linear_image_is_sampled_exactly():
    y, x = np.mgrid[:5, :9]
    image = np.stack([x / 8, y / 4, x * 0.0], axis=-1)
    uv = np.array([[[0.1, 0.2], [0.9, 0.3], [0.5, 1.0]]])
    cube = image_to_cubes(image, uv, 3)[0]
    corners = cube[2, 0, 0], cube[0, 2, 0], cube[0, 0, 2]
    np.testing.assert_allclose(np.stack(corners)[:, :2], uv[0], atol=1e-6)
    np.testing.assert_allclose(cube[1, 1, 1, :2], uv[0].mean(0), atol=1e-6)


def test_wraps_of_whole_periods():
    y, x = np.mgrid[:5, :5]
    image = np.stack([x / 4, y / 4, x * 0.0], axis=-1)
    inside = np.array([[[0.1, 0.2], [0.9, 0.3], [0.5, 0.8]]])
    plain = image_to_cubes(image, inside, 2)
    np.testing.assert_allclose(image_to_cubes(image, inside + 3, 2), plain, atol=1e-6)
    np.testing.assert_allclose(image_to_cubes(image, inside - 2, 2), plain, atol=1e-6)
    mirrored = image_to_cubes(image, inside + 1, 2, wrap="mirrored_repeat")
    turned = image_to_cubes(image, 1 - inside, 2)
    np.testing.assert_allclose(mirrored, turned, atol=1e-6)


def test_bad_arguments_are_named():
    image, uv, cubes = (
        np.zeros((4, 4, 3)),
        np.zeros((1, 3, 2)),
        np.zeros((1, 2, 2, 2, 3)),
    )
    with pytest.raises(ValueError, match=r"cubes: .*found \(1, 2, 2, 2\)"):
        cubes_to_image(cubes[..., 0])
    with pytest.raises(ValueError, match="tile: .*found 1"):
        cubes_to_image(cubes, tile=1)
    with pytest.raises(ValueError, match=r"image: .*found \(4, 4\)"):
        image_to_cubes(image[..., 0], uv, 2)
    with pytest.raises(ValueError, match=r"uv: .*found \(3, 2\)"):
        image_to_cubes(image, uv[0], 2)
    with pytest.raises(ValueError, match="size: .*found 1"):
        image_to_cubes(image, uv, 1)
    with pytest.raises(ValueError, match="wrap: .*'edge'"):
        image_to_cubes(image, uv, 2, wrap="edge")
