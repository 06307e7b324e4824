# SPDX-License-Identifier: Apache-2.0
"""Mirroring object, cameras and views together keeps them in agreement."""

import numpy as np
import pytest
import torch
from test_transforms import blob_sample, centroid

from svr3d.datasets.rng import SampleRandom
from svr3d.datasets.transforms import RandomMirror
from svr3d.errors import ConfigError
from svr3d.geometry.cameras import choy_camera, project

AXES = {"x": 0, "z": 2}


def seed_that_draws(value):
    return next(s for s in range(99) if SampleRandom(s).python.randint(0, 1) == value)


def sample_to_mirror(seed):
    sample = blob_sample(seed)
    rng = np.random.default_rng(0)
    sample["voxels"] = (rng.random((8, 8, 8)) > 0.5).astype(np.uint8)
    sample["points"] = rng.random((5, 3)).astype(np.float32) - 0.5
    sample["points_iou"] = sample["points"] * 2
    sample["surface_points"] = sample["points"] + 1
    sample["surface_normals"] = sample["points"] + 2
    sample["view_angles"] = torch.tensor([[40.0, 27, 0.8], [200, 29, 0.9]])
    return sample


@pytest.mark.parametrize("axis", ["x", "z"])
def test_views_cameras_and_object_still_agree(axis):
    before = sample_to_mirror(seed_that_draws(1))
    after = RandomMirror(axis).transform(before)
    point = before["point"].clone()
    point[:, AXES[axis]] *= -1
    pixels, depth = project(point, after["extrinsics"], after["intrinsics"])
    assert (depth > 0).all()
    for image, mask, pixel in zip(
        after["images"], after["masks"], pixels[:, 0].tolist(), strict=True
    ):
        assert centroid(image[..., 0]) == pytest.approx(pixel, abs=0.02)
        assert centroid(mask) == pytest.approx(pixel, abs=0.02)
    rotations = after["extrinsics"][:, :, :3]
    torch.testing.assert_close(torch.linalg.det(rotations), torch.ones(2).double())
    assert (after["intrinsics"][:, 0, 0] > 0).all()


@pytest.mark.parametrize("axis", ["x", "z"])
def test_angles_describe_the_mirrored_cameras(axis):
    after = RandomMirror(axis).transform(sample_to_mirror(seed_that_draws(1)))
    angles = after["view_angles"].double()
    metadata = torch.zeros(2, 5, dtype=torch.float64)
    metadata[:, [0, 1, 3]] = angles
    extrinsics, _ = choy_camera(metadata, height=137, width=137)
    torch.testing.assert_close(
        extrinsics, after["extrinsics"].double(), atol=2e-5, rtol=0
    )


def test_shape_and_points_are_mirrored_and_inputs_left_alone():
    before = sample_to_mirror(seed_that_draws(1))
    kept = {key: before[key].copy() for key in ("voxels", "points", "images")}
    after = RandomMirror("x").transform(before)
    assert np.array_equal(after["voxels"], kept["voxels"][::-1])
    assert np.array_equal(after["points"] * [-1, 1, 1], kept["points"])
    for key in ("points_iou", "surface_points", "surface_normals"):
        assert np.array_equal(after[key] * [-1, 1, 1], before[key])
    for key, value in kept.items():
        assert np.array_equal(before[key], value)


def test_half_the_samples_stay_as_they_are():
    sample = sample_to_mirror(seed_that_draws(0))
    assert RandomMirror().transform(sample) is sample
    drawn = [SampleRandom(seed).python.randint(0, 1) for seed in range(200)]
    assert 70 < sum(drawn) < 130


def test_the_vertical_axis_is_refused():
    with pytest.raises(ConfigError, match="axis must be 'x' or 'z', found 'y'"):
        RandomMirror("y")
