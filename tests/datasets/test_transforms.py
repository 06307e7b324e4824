# SPDX-License-Identifier: Apache-2.0
"""Transforms beyond the recorded cases: cameras, masks, boxes, seeds, limits."""

import random

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from svr3d.datasets.rng import SampleRandom
from svr3d.datasets.transforms import (
    CenterCrop,
    ColorJitter,
    Normalize,
    PackViews,
    Pipeline,
    R2N2Preprocess,
    RandomBackground,
    RandomCrop,
    RandomFlip,
    RandomNoise,
    RandomPermuteRGB,
    RandomResizedCrop,
    Resize,
)
from svr3d.errors import ConfigError
from svr3d.geometry.cameras import choy_camera, project

MOVING = [
    CenterCrop((127, 127), (96, 96)),
    CenterCrop((50, 80), (200, 200)),
    RandomCrop((64, 64), (100, 90)),
    RandomFlip(),
]


def blob_sample(seed=0, *, size=137, boxes=False, channels=4):
    """Two views with a bright blob where a known point projects to."""
    metadata = torch.tensor([[40.0, 27, 0, 0.8, 25], [200, 29, 0, 0.9, 25]])
    extrinsics, intrinsics = choy_camera(metadata.double(), height=size, width=size)
    point = torch.tensor([[0.12, 0.05, -0.1]], dtype=torch.float64)
    pixels, _ = project(point, extrinsics, intrinsics)
    images = np.zeros((2, size, size, channels), np.float32)
    for image, (column, row) in zip(images, pixels[:, 0].tolist(), strict=True):
        rows, columns = np.mgrid[:size, :size] + 0.5
        distance = (columns - column) ** 2 + (rows - row) ** 2
        image[...] = np.exp(-distance / 18)[..., None]
    sample = {
        "images": images,
        "masks": images[..., 0].copy(),
        "extrinsics": extrinsics,
        "intrinsics": intrinsics,
        "rng": SampleRandom(seed),
        "point": point,
    }
    if boxes:
        sample["boxes"] = np.array([[0.2, 0.3, 0.8, 0.7], [-0.1, 0.2, 0.9, 0.8]])
    return sample


def centroid(image):
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    weight = image / image.sum()
    return [(weight * columns).sum(), (weight * rows).sum()]


@pytest.mark.parametrize("step", MOVING, ids=lambda step: type(step).__name__)
@pytest.mark.parametrize("boxes", [False, True])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_cameras_follow_the_pixels(step, boxes, seed):
    sample = step(blob_sample(seed, boxes=boxes))
    expected, _ = project(sample["point"], sample["extrinsics"], sample["intrinsics"])
    for view in range(2):
        for image in (sample["images"][view, ..., 0], sample["masks"][view]):
            found = centroid(image)
            np.testing.assert_allclose(found, expected[view, 0], atol=0.3)


@pytest.mark.parametrize("step", MOVING, ids=lambda step: type(step).__name__)
def test_boxes_follow_the_pixels(step):
    sample = blob_sample(3, boxes=True)
    pixels, _ = project(sample["point"], sample["extrinsics"], sample["intrinsics"])
    at = (pixels[:, 0] / 137).numpy()
    before = sample["boxes"]
    relative = (at - before[:, :2]) / (before[:, 2:] - before[:, :2])
    after = step(sample)
    height, width = after["images"].shape[1:3]
    pixels, _ = project(after["point"], after["extrinsics"], after["intrinsics"])
    at = (pixels[:, 0] / torch.tensor([width, height])).numpy()
    boxes = after["boxes"]
    found = (at - boxes[:, :2]) / (boxes[:, 2:] - boxes[:, :2])
    mirrored = after["intrinsics"][:, 0, 0].numpy() < 0
    relative[mirrored, 0] = 1 - relative[mirrored, 0]
    np.testing.assert_allclose(found, relative, atol=1e-9)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_cameras_follow_the_preprocessing_of_3d_r2n2(training, seed):
    sample = R2N2Preprocess(training)(blob_sample(seed))
    assert sample["images"].shape == (2, 127, 127, 3)
    expected, _ = project(sample["point"], sample["extrinsics"], sample["intrinsics"])
    for mask, position in zip(sample["masks"], expected[:, 0], strict=True):
        np.testing.assert_allclose(centroid(mask), position, atol=0.3)


def test_mirrored_views_have_negative_focal_lengths():
    sample = RandomFlip()(blob_sample(0))
    rng = SampleRandom(0).python
    flips = [rng.randint(0, 1) == 1 for _ in range(2)]
    assert any(flips)
    assert (sample["intrinsics"][:, 0, 0] < 0).tolist() == flips


@pytest.mark.parametrize(
    "step",
    [*MOVING, RandomBackground(), ColorJitter(), RandomNoise(), Normalize()],
    ids=lambda step: type(step).__name__,
)
def test_steps_do_not_write_to_their_input(step):
    channels = 4 if isinstance(step, RandomBackground) else 3
    sample = blob_sample(0, channels=channels)
    copies = {key: sample[key].copy() for key in ("images", "masks")}
    cameras = sample["intrinsics"].clone()
    step(sample)
    for key, value in copies.items():
        np.testing.assert_array_equal(sample[key], value)
    assert torch.equal(sample["intrinsics"], cameras)


def test_only_fully_transparent_pixels_get_the_background():
    images = np.full((1, 1, 3, 4), 0.25, np.float32)
    images[0, 0, :, 3] = [0, 0.01, 1]
    fixed = RandomBackground(((10, 10), (20, 20), (30, 30)))
    sample = fixed({"images": images, "rng": SampleRandom(0)})
    expected = np.float32([[10, 20, 30], [63.75] * 3, [63.75] * 3]) / 255
    np.testing.assert_allclose(sample["images"][0, 0], expected, rtol=1e-6)
    np.testing.assert_array_equal(sample["masks"][0, 0], images[0, 0, :, 3])


def test_images_without_alpha_keep_their_background_and_draw_nothing():
    sample = blob_sample(0, channels=3)
    assert RandomBackground()(sample) is sample
    rng = sample["rng"]
    assert rng.python.random() == SampleRandom(0).python.random()
    assert rng.numpy.random_sample() == SampleRandom(0).numpy.random_sample()


def test_jitter_is_the_chain_of_its_parts():
    """The composed matrix equals the three steps done one after the other."""
    image = np.random.default_rng(0).random((1, 20, 30, 3)).astype(np.float32)
    for seed in range(6):
        sample = ColorJitter()({"images": image, "rng": SampleRandom(seed)})
        rng = SampleRandom(seed).numpy
        factors = [1 + rng.uniform(low=-0.4, high=0.4) for _ in range(3)]
        order = np.arange(3)
        rng.shuffle(order)
        expected = image[0].astype(np.float64)
        for kind in order:
            grey = expected @ [0.114, 0.587, 0.299]
            reference = (0, grey.mean(), grey[..., None])[kind]
            expected = factors[kind] * expected + (1 - factors[kind]) * reference
        np.testing.assert_allclose(sample["images"][0], expected, atol=1e-6)


def test_small_images_are_resized_whole():
    images = np.random.default_rng(0).random((1, 40, 60, 3)).astype(np.float32)
    sample = CenterCrop((20, 30), (40, 50))({"images": images})
    np.testing.assert_array_equal(sample["images"][0], cv2.resize(images[0], (30, 20)))


def test_a_box_far_outside_gives_the_edge():
    images = np.zeros((1, 10, 10, 3), np.float32)
    images[0, 0, 0] = 1
    sample = {"images": images, "boxes": np.array([[-2.0, -2.0, -1.0, -1.0]])}
    cropped = CenterCrop((8, 8), (8, 8))(sample)["images"]
    np.testing.assert_array_equal(cropped, np.ones((1, 8, 8, 3)))


def pack(**changes):
    sample = {
        "images": np.zeros((2, 4, 5, 3), np.float32),
        "view_ids": np.array([3, 1]),
        "voxels": np.ones((4, 4, 4), np.uint8),
        "category": 2,
        "sample_id": "chair/a",
    }
    return PackViews()(sample | changes)


def test_packed_images_are_rgb_planes():
    images = np.random.default_rng(0).random((2, 4, 5, 3)).astype(np.float32)
    packed = pack(images=images)
    assert packed["images"].is_contiguous()
    expected = images[..., ::-1].transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(packed["images"].numpy(), expected)
    assert set(packed) == {"images", "view_ids", "voxels", "category", "sample_id"}


@pytest.mark.parametrize("step", [PackViews(), RandomPermuteRGB()])
def test_alpha_must_be_gone(step):
    with pytest.raises(ValueError, match="put RandomBackground before it"):
        step({"images": np.zeros((1, 2, 2, 4), np.float32)})


@pytest.mark.parametrize(
    "color_range", [((0, 1), (0, 1)), ((0, 256),) * 3, ((5, 4),) * 3, ((1,),) * 3]
)
def test_impossible_colors(color_range):
    with pytest.raises(ValueError, match="color_range must be"):
        RandomBackground(color_range)


def test_pipelines_take_names_classes_and_callables():
    steps = Pipeline(
        [
            dict(type="RandomBackground", color_range=((0, 0),) * 3),
            dict(type=Normalize, mean=0.5),
            lambda sample: sample | {"seen": True},
        ]
    )
    sample = steps({"images": np.zeros((1, 2, 2, 4), np.float32)} | SEEDED)
    assert sample["seen"]
    np.testing.assert_array_equal(sample["images"], -np.ones((1, 2, 2, 3)))


SEEDED = {"rng": SampleRandom(0)}


def smooth_views(height, width, seed=0):
    rng = np.random.default_rng(seed)
    views = rng.integers(0, 255, (2, height, width, 3), np.uint8)
    return np.stack([cv2.GaussianBlur(view, (7, 7), 3) for view in views])


def pillow(view, size, box=None):
    height, width = size
    picture = Image.fromarray(view).resize((width, height), Image.BILINEAR, box)
    return np.asarray(picture)


@pytest.mark.parametrize("shape", [(137, 137), (100, 180), (500, 320)])
def test_resize_is_that_of_pillow(shape):
    views = smooth_views(*shape)
    cameras = torch.eye(3, dtype=torch.float64).repeat(2, 1, 1)
    sample = {
        "images": views.astype(np.float32) / 255,
        "masks": np.ones((2, *shape), np.float32),
        "intrinsics": cameras,
    }
    resized = Resize(64)(sample)
    height, width = resized["images"].shape[1:3]
    assert min(height, width) == 64
    assert abs(height / width - shape[0] / shape[1]) < 0.02
    for found, view in zip(resized["images"], views, strict=True):
        expected = pillow(view, (height, width))
        np.testing.assert_array_equal(np.rint(found * 255), expected)
    assert resized["masks"].shape == (2, height, width) and resized["masks"].min() == 1
    scale = [width / shape[1], height / shape[0], 1]
    assert torch.allclose(resized["intrinsics"][0].diag(), torch.tensor(scale).double())
    assert Resize((20, 30))(sample)["images"].shape == (2, 20, 30, 3)


def test_random_resized_crop():
    views = smooth_views(100, 100)
    sample = {"images": views.astype(np.float32) / 255}
    step = RandomResizedCrop(64, (0.5, 0.8))
    for seed in range(5):
        cut = step(sample | {"rng": SampleRandom(seed)})["images"]
        draws = random.Random(seed)
        for found, view in zip(cut, views, strict=True):
            side = round((10_000 * draws.uniform(0.5, 0.8)) ** 0.5)
            draws.uniform(0, 0)
            top, left = draws.randint(0, 100 - side), draws.randint(0, 100 - side)
            window = view[top : top + side, left : left + side]
            expected = pillow(window, (64, 64))
            np.testing.assert_array_equal(np.rint(found * 255), expected)


def test_windows_that_never_fit():
    sample = {"images": np.zeros((1, 40, 100, 3), np.float32), "rng": SampleRandom(0)}
    step = RandomResizedCrop((10, 20), (1.0, 1.0))
    assert step._window(40, 100, sample["rng"].python) == (30, 0, 70, 40)
    assert step(sample)["images"].shape == (1, 10, 20, 3)


@pytest.mark.parametrize(
    "make", [lambda: Resize(0), lambda: Resize((1, 2, 3)), lambda: RandomResizedCrop(0),
             lambda: RandomResizedCrop(8, (0, 1)),
             lambda: RandomResizedCrop(8, ratio=(2, 1))]
)  # fmt: skip
def test_impossible_sizes(make):
    with pytest.raises(ConfigError):
        make()
