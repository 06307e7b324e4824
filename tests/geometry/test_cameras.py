# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from svr3d.geometry.cameras import (
    camera_centres,
    choy_camera,
    choy_intrinsics,
    crop_intrinsics,
    flip_intrinsics,
    orbit_camera,
    project,
    resize_intrinsics,
    to_object_frame,
)

METADATA = torch.tensor(
    [[0.0, 0, 0, 1, 25], [90, 30, 0, 0.8, 25], [211.5, -40, 0, 0.7, 25]],
    dtype=torch.float64,
)


@pytest.fixture
def points():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(20, 3, generator=generator, dtype=torch.float64) - 0.5


def test_axes_are_those_of_opencv():
    extrinsics, intrinsics = choy_camera(METADATA)
    rotation = extrinsics[..., :3]
    eye = torch.eye(3, dtype=torch.float64).expand(3, 3, 3)
    torch.testing.assert_close(rotation @ rotation.mT, eye)
    torch.testing.assert_close(torch.linalg.det(rotation), eye[0].diag())
    origin = torch.zeros(1, 3, dtype=torch.float64)
    pixels, depth = project(origin, extrinsics, intrinsics)
    torch.testing.assert_close(pixels, torch.full_like(pixels, 68.5))
    torch.testing.assert_close(depth[:, 0], 1.75 * METADATA[:, 3])
    higher, _ = project(origin + torch.tensor([0, 0.1, 0]), extrinsics, intrinsics)
    assert (higher[..., 1] < 68).all()
    # Seen from +x (azimuth 0), +z lies to the left.
    side, _ = project(origin + torch.tensor([0, 0, 0.1]), extrinsics, intrinsics)
    assert side[0, 0, 0] < 68


def test_centres_follow_the_angles():
    extrinsics, _ = choy_camera(METADATA)
    centres = camera_centres(extrinsics)
    expected = torch.tensor([1.75, 0, 0], dtype=torch.float64)
    torch.testing.assert_close(centres[0], expected)
    elevation = torch.rad2deg(torch.asin(centres[:, 1] / centres.norm(dim=1)))
    torch.testing.assert_close(elevation, METADATA[:, 1])


def test_cameras_above_the_pole_are_defined():
    extrinsics = orbit_camera(torch.tensor([0.0]), torch.tensor([90.0]), 2.0)
    centre = torch.tensor([[0.0, 2.0, 0.0]])
    torch.testing.assert_close(camera_centres(extrinsics), centre, atol=1e-6, rtol=0)


def test_object_frame_shows_the_same_picture(points):
    translate, scale = torch.tensor([-0.3, -0.2, -0.4], dtype=torch.float64), 0.8
    extrinsics, intrinsics = choy_camera(METADATA)
    in_mesh = scale * (points + 0.5) + translate
    moved = to_object_frame(extrinsics, translate, scale)
    expected, depth = project(in_mesh, extrinsics, intrinsics)
    found, moved_depth = project(points, moved, intrinsics)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(moved_depth, depth / scale)
    centre = camera_centres(moved)
    torch.testing.assert_close(
        scale * (centre + 0.5) + translate, camera_centres(extrinsics)
    )


def test_crops_resizes_and_flips_move_pixels(points):
    extrinsics, intrinsics = choy_camera(METADATA)
    pixels, _ = project(points, extrinsics, intrinsics)

    def shown(changed):
        return project(points, extrinsics, changed)[0]

    offset = torch.tensor([20.0, -7.0], dtype=torch.float64)
    torch.testing.assert_close(
        shown(crop_intrinsics(intrinsics, 20, -7)), pixels - offset
    )
    factors = torch.tensor([127 / 96, 0.5], dtype=torch.float64)
    torch.testing.assert_close(
        shown(resize_intrinsics(intrinsics, 127 / 96, 0.5)), pixels * factors
    )
    flipped = shown(flip_intrinsics(intrinsics, 137))
    torch.testing.assert_close(flipped[..., 0], 137 - pixels[..., 0])
    torch.testing.assert_close(flipped[..., 1], pixels[..., 1])
    twice = flip_intrinsics(flip_intrinsics(intrinsics, 137), 137)
    torch.testing.assert_close(twice, intrinsics)


def test_edits_leave_their_input_alone():
    intrinsics = choy_intrinsics()
    before = intrinsics.clone()
    crop_intrinsics(intrinsics, 1, 2)
    resize_intrinsics(intrinsics, 3, 4)
    flip_intrinsics(intrinsics, 5)
    assert torch.equal(intrinsics, before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_types_are_kept(dtype):
    extrinsics, intrinsics = choy_camera(METADATA.to(dtype), height=64, width=128)
    assert extrinsics.dtype == intrinsics.dtype == dtype
    assert intrinsics[0].tolist() == [[140, 0, 64], [0, 140, 32], [0, 0, 1]]


@pytest.mark.parametrize(
    "metadata, message",
    [(METADATA[:, :4], r"\(N, 5\)"), (METADATA + 1, "rotations must be 0")],
)
def test_wrong_metadata(metadata, message):
    with pytest.raises(ValueError, match=message):
        choy_camera(metadata)
