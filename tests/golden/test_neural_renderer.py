# SPDX-License-Identifier: Apache-2.0
"""The neural mesh renderer against what its published kernels computed."""

import numpy as np
import pytest
import torch

from svr3d.ops import neural_rasterize

CASES = {
    "raster_16_aa": {"image_size": 16, "anti_aliasing": True},
    "raster_24_noaa": {
        "image_size": 24,
        "anti_aliasing": False,
        "near": 1.2,
        "far": 3.5,
    },
}


def draw(given, name, dtype):
    """Images of the case, and the leaves."""
    corners = torch.from_numpy(given["faces"]).to(dtype).requires_grad_()
    cubes = torch.from_numpy(given["textures"]).to(dtype).requires_grad_()
    vertices = corners.reshape(len(corners), -1, 3)
    faces = torch.arange(vertices.shape[1]).reshape(-1, 3)
    images = neural_rasterize(
        vertices,
        faces,
        cubes,
        fill_back=False,  # the recorded faces hold the copies
        eps=1e-3,
        background=(0.1, 0.2, 0.3),
        **CASES[name],
    )
    return images, corners, cubes


def near(found, expected, tolerance):
    """Within a share of the largest entry."""
    expected = torch.from_numpy(expected)
    assert (found.double() - expected).abs().max() <= tolerance * expected.abs().max()


@pytest.mark.parametrize("name", CASES)
def test_images_and_maps(golden, golden_dir, name):
    given, expected = golden.load(golden_dir / "nmr" / name)
    images, _, _ = draw(given, name, torch.float32)
    index = torch.from_numpy(expected["internal.face_index_map"])
    assert torch.equal(images.face_index, index)
    for found in ("alpha", "rgb"):
        np.testing.assert_allclose(
            getattr(images, found).detach(), expected[found], rtol=0, atol=1e-5
        )
    np.testing.assert_allclose(images.depth.detach(), expected["depth"], rtol=1e-5)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients(golden, golden_dir, name, dtype):
    given, expected = golden.load(golden_dir / "nmr" / name)
    prefix, tolerance = ("", 1e-3) if dtype == torch.float32 else ("f64.", 1e-6)
    total = 0
    for found in ("alpha", "rgb", "depth"):
        images, corners, cubes = draw(given, name, dtype)
        loss = (getattr(images, found) * torch.from_numpy(given[f"grad_{found}"])).sum()
        loss.backward()
        near(corners.grad, expected[f"{prefix}grad_faces.{found}"], tolerance)
        if found == "rgb":
            near(cubes.grad, expected["grad_textures.rgb"], 1e-3)
    images, corners, _ = draw(given, name, dtype)
    for found in ("alpha", "rgb", "depth"):
        pull = torch.from_numpy(given[f"grad_{found}"])
        total = total + (getattr(images, found) * pull).sum()
    total.backward()
    near(corners.grad, expected["grad_faces.all"], 1e-3)


def test_one_triangle_by_hand(golden, golden_dir):
    given, expected = golden.load(golden_dir / "nmr" / "one_triangle")
    settings = {
        "image_size": 16,
        "anti_aliasing": False,
        "fill_back": False,
        "eps": 1e-4,
    }
    faces = torch.tensor([[0, 1, 2]])
    for i, (row, column) in enumerate(given["pixels"]):
        vertices = torch.from_numpy(given["face"])[None].double().requires_grad_()
        images = neural_rasterize(vertices, faces, **settings)
        index = torch.from_numpy(expected["face_index_map"])
        assert torch.equal(images.face_index, index)
        alpha = images.alpha.flip(1)  # the recorded map has row 0 at the bottom
        np.testing.assert_array_equal(alpha.detach(), expected["alpha"])
        (alpha[0, row, column] * given["upstream"][i]).backward()
        np.testing.assert_allclose(
            vertices.grad[0], expected["grad_face"][i], rtol=1e-6, atol=1e-12
        )
