# SPDX-License-Identifier: Apache-2.0
import warnings

import cv2
import numpy as np
import pytest
from PIL import Image

from svr3d.apis.background import add_alpha
from svr3d.apis.input_images import frame_object, load_rgba
from svr3d.errors import DataError


@pytest.fixture
def disc():
    """RGBA picture (90, 120, 4) of a shaded orange disc with smooth edges."""
    y, x = np.mgrid[:90, :120] + 0.5
    distance = np.hypot(x - 70, y - 40)
    rgba = np.zeros((90, 120, 4), np.uint8)
    rgba[:, :, :3] = (220, 120, 40)
    rgba[:, :, 1] += (x / 4).astype(np.uint8)
    rgba[:, :, 3] = np.round(255 * np.clip(25.5 - distance, 0, 1))
    return rgba


def over(rgba, color):
    alpha = rgba[:, :, 3:] / 255
    return np.round(rgba[:, :, :3] * alpha + np.array(color) * (1 - alpha)).astype(
        np.uint8
    )


@pytest.mark.parametrize("color", [(255, 255, 255), (0, 0, 0), (40, 90, 200)])
def test_plain_background_gives_nearly_what_alpha_gives(disc, color):
    found = add_alpha(over(disc, color))
    error = np.abs(over(found, (128, 128, 128)).astype(int) - over(disc, (128,) * 3))
    assert error.mean() < 1.0
    solid = disc[:, :, 3] == 255
    assert (found[:, :, 3][solid] == 255).all()
    assert (found[:, :, 3][disc[:, :, 3] == 0] == 0).all()


def test_noise_of_a_jpeg_is_background(disc):
    _, coded = cv2.imencode(".jpg", over(disc, (230, 235, 228))[:, :, ::-1])
    found = add_alpha(cv2.imdecode(coded, cv2.IMREAD_COLOR)[:, :, ::-1])
    solid = found[:, :, 3] > 127
    wanted = disc[:, :, 3] > 127
    assert (solid & wanted).sum() / (
        solid | wanted
    ).sum() > 0.88  # colour bleeds a pixel


def test_photographs_are_taken_as_they_are_with_a_warning(disc):
    photo = np.random.default_rng(0).integers(0, 255, (40, 50, 3)).astype(np.uint8)
    assert add_alpha(photo) is None
    with pytest.warns(UserWarning, match=r"garden\.jpg: no plain background"):
        rgba = load_rgba(photo, source="garden.jpg")
    assert np.array_equal(rgba[:, :, :3], photo) and (rgba[:, :, 3] == 255).all()
    blank = np.full((40, 50, 3), 255, np.uint8)
    with pytest.warns(UserWarning, match="no plain background"):
        load_rgba(blank)


def test_all_forms_of_one_image_give_the_same(disc, tmp_path):
    Image.fromarray(disc).save(tmp_path / "disc.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = [
            load_rgba(tmp_path / "disc.png"),
            load_rgba(str(tmp_path / "disc.png")),
            load_rgba(Image.fromarray(disc)),
            load_rgba(disc),
            load_rgba(disc / 255.0),
        ]
    for rgba in loaded:
        assert np.array_equal(rgba, np.where(disc[:, :, 3:] > 0, disc, 0))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotation_noted_by_a_camera_is_undone(tmp_path, orientation):
    picture = np.random.default_rng(1).integers(0, 255, (20, 30, 3)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo.png"
    Image.fromarray(picture).save(path, exif=exif)
    with pytest.warns(UserWarning):
        from_file = load_rgba(path)
    with pytest.warns(UserWarning):
        from_pillow = load_rgba(Image.open(path))
    assert np.array_equal(from_file, from_pillow)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((3, 20, 20), np.uint8), r"\(3, 20, 20\)"),
        (np.zeros((0, 20, 3), np.uint8), r"\(0, 20, 3\)"),
        (np.full((20, 20, 3), 2.0), r"values in \[0, 1\]"),
        (np.full((20, 20, 3), np.nan), "finite"),
        (np.zeros((20, 20, 3), np.int64), "int64"),
        (np.zeros((20, 20, 4), np.uint8), "only transparency"),
    ],
)
def test_what_is_no_image_is_named(image, message):
    with pytest.raises(DataError, match=f"view 3.*{message}"):
        load_rgba(image, source="view 3")


def test_truncated_file_is_named(tmp_path, disc):
    Image.fromarray(disc).save(tmp_path / "disc.png")
    content = (tmp_path / "disc.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[:-100])
    with pytest.raises(DataError, match=r"cut\.png.*truncated"):
        load_rgba(tmp_path / "cut.png")


def test_the_object_is_centred_at_its_usual_size(disc):
    for size, share in ((64, 0.65), (137, 0.65), (137, 0.8)):
        framed = frame_object(disc, size, share)
        rows, columns = np.nonzero(framed[:, :, 3] > 127)
        assert framed.shape == (size, size, 4)
        assert np.ptp(rows) + 1 == pytest.approx(share * size, abs=2)
        assert rows.mean() + 0.5 == pytest.approx(size / 2, abs=1)
        assert columns.mean() + 0.5 == pytest.approx(size / 2, abs=1)
        solid = framed[:, :, 3] > 30
        assert framed[solid][:, 0].min() > 210


def test_an_opaque_picture_is_cut_to_a_square():
    picture = np.zeros((40, 60, 4), np.uint8)
    picture[:, :, 3] = 255
    picture[:, 10:50, 0] = 200
    framed = frame_object(picture, 40, 0.65)
    assert (framed[:, :, 0] == 200).all() and (framed[:, :, 3] == 255).all()
