# SPDX-License-Identifier: Apache-2.0
"""The image augmentations of the dispersion study."""

import numpy as np
import pytest

from svr3d.datasets.rng import SampleRandom
from svr3d.datasets.transforms import (
    AutoAugment,
    RandomAffine,
    RandomColorOffset,
    RandomOperations,
)
from svr3d.datasets.transforms.image_operations import OPERATIONS, apply_operation
from svr3d.errors import ConfigError


def picture(channels=3, views=1):
    """A grey ramp with another one of each colour, and a transparent half."""
    rng = np.random.default_rng(0)
    levels = rng.integers(50, 200, (views, 16, 20, channels)).astype(np.float32)
    if channels == 4:
        levels[..., 3] = 0
        levels[:, :, :10, 3] = 255
    return levels / 255


def sample(images, seed=0):
    return {"images": images, "rng": SampleRandom(seed)}


def levels(images):
    return np.rint(images * 255).astype(int)


def test_what_operations_do():
    view = picture()[0]
    inverted = apply_operation(view, "invert")
    np.testing.assert_array_equal(levels(inverted), 255 - levels(view))
    stretched = levels(apply_operation(view, "autocontrast"))
    assert (stretched.min((0, 1)) == 0).all() and (stretched.max((0, 1)) == 255).all()
    bits = levels(apply_operation(view, "posterize", magnitude=9))
    np.testing.assert_array_equal(bits, levels(view) & 0xF0)
    half = apply_operation(view, "solarize", magnitude=9)  # from 0: all is inverted
    np.testing.assert_array_equal(levels(half), 255 - levels(view))
    grey = levels(apply_operation(view, "color", magnitude=9, sign=-1))
    assert np.ptp(grey, axis=2).mean() < 0.2 * np.ptp(levels(view), axis=2).mean()
    dark = levels(apply_operation(view, "brightness", magnitude=9, sign=-1))
    np.testing.assert_allclose(dark, 0.1 * levels(view), atol=1)
    # The first channel is blue, as everywhere in the pipeline.
    red = np.zeros((2, 2, 3), np.float32)
    red[..., 2] = 1
    assert levels(apply_operation(red, "invert"))[0, 0].tolist() == [255, 255, 0]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_keeps_shape_alpha_and_range(name):
    view = picture(4)[0]
    for magnitude, sign in ((0, 1), (9, 1), (9, -1)):
        changed = apply_operation(view, name, magnitude=magnitude, sign=sign)
        assert changed.shape == view.shape and changed.dtype == np.float32
        np.testing.assert_array_equal(changed[..., 3], view[..., 3])
        assert changed.min() >= 0 and changed.max() <= 1
    none = apply_operation(view, name)
    if name not in ("autocontrast", "equalize", "invert"):
        np.testing.assert_array_equal(levels(none), levels(view))


def test_random_operations():
    images = picture(4, views=40)
    step = RandomOperations(("invert",), probability=0.5)
    inside = sample(images)
    found = levels(step(inside)["images"])
    changed = (found[..., :3] == 255 - levels(images)[..., :3]).all((1, 2, 3))
    same = (found == levels(images)).all((1, 2, 3))
    assert (changed | same).all() and 8 < changed.sum() < 32
    black = RandomOperations(("invert",), probability=1.0, black_background=True)
    found = black(sample(images))["images"]
    assert found[:, :, 10:, :3].max() == 0 and found[:, :, :10, :3].min() > 0
    with pytest.raises(ValueError, match="images with alpha"):
        black(sample(picture()))


def test_auto_augment_takes_one_policy():
    policies = [[("invert", 1.0, 0), ("invert", 1.0, 0)], [("brightness", 1.0, 9)]]
    images = picture(views=30)
    found = AutoAugment(policies)(sample(images))["images"]
    same = (levels(found) == levels(images)).all((1, 2, 3))
    assert 5 < same.sum() < 25  # twice inverted, or brighter or darker
    means = found[~same].mean((1, 2, 3)) > images[~same].mean((1, 2, 3))
    assert 0 < means.sum() < len(means)
    again = AutoAugment(policies)(sample(images))["images"]
    np.testing.assert_array_equal(again, found)


@pytest.mark.parametrize("wrap", [False, True])
def test_color_offset(wrap):
    images = picture(4, views=2)
    found = RandomColorOffset(200, wrap=wrap)(sample(images, 3))["images"]
    np.testing.assert_array_equal(found[:, :, 10:], images[:, :, 10:])
    np.testing.assert_array_equal(found[..., 3], images[..., 3])
    change = levels(found[:, :, :10, :3]) - levels(images[:, :, :10, :3])
    offsets = SampleRandom(3).numpy.uniform(-200, 200, size=(2, 3)).astype(int)
    expected = levels(images[:, :, :10, :3]) + offsets[:, None, None, ::-1]
    expected = expected % 256 if wrap else expected.clip(0, 255)
    np.testing.assert_array_equal(change + levels(images[:, :, :10, :3]), expected)
    with pytest.raises(ValueError, match="before DropAlpha"):
        RandomColorOffset()(sample(picture()))


def test_affine():
    images = np.zeros((20, 21, 21, 4), np.float32)
    images[:, 10, 10] = 1
    turned = RandomAffine(180)(sample(images))["images"]
    np.testing.assert_allclose(turned[:, 10, 10], 1, atol=0.01)  # about the centre
    moved = RandomAffine(0, 0.3)(sample(images))["images"][..., 3]
    rows, columns = (
        (moved.sum(axis) @ np.arange(21)) / moved.sum((1, 2)) for axis in (2, 1)
    )
    assert np.ptp(rows) > 5 and np.ptp(columns) > 5
    assert max(np.abs(rows - 10).max(), np.abs(columns - 10).max()) <= 6.3
    with pytest.raises(ValueError, match="without intrinsics"):
        RandomAffine()(sample(images) | {"intrinsics": None})


@pytest.mark.parametrize(
    "make",
    [
        lambda: RandomOperations(("sharpen",)),
        lambda: RandomOperations(num_operations=4),
        lambda: RandomOperations(probability=1.5),
        lambda: RandomOperations(magnitude=10),
        lambda: AutoAugment([]),
        lambda: AutoAugment([[("invert", 0.5)]]),
        lambda: AutoAugment([[("invert", 0.5, -1)]]),
        lambda: RandomColorOffset(300),
        lambda: RandomAffine(200),
        lambda: RandomAffine(10, 2),
    ],
)
def test_impossible_options(make):
    with pytest.raises(ConfigError, match="expected"):
        make()
