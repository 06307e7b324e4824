# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch
from PIL import Image

from svr3d.apis import Reconstructor, find_objects
from svr3d.errors import CheckpointError, DataError
from svr3d.structures import Voxels


@pytest.fixture
def reconstructor(write_checkpoint):
    return Reconstructor(write_checkpoint(), device="cpu")


@pytest.fixture
def folder(tmp_path, renderings):
    """Two objects with two views each, and a text file."""
    for index, view in enumerate(renderings):
        path = tmp_path / "images" / f"object{index // 2}" / f"{index % 2:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(view).save(path)
    (tmp_path / "images" / "notes.txt").write_text("no image")
    return tmp_path / "images"


def grids(results):
    return [result.shape.grid for result in results]


def test_an_image_equals_the_test_pipeline(reconstructor, renderings):
    """What a data set would hand to the model for the same rendering."""
    from svr3d.datasets.rng import SampleRandom

    bgra = renderings[:2][..., [2, 1, 0, 3]].astype(np.float32) / 255
    sample = {
        "images": bgra,
        "view_ids": np.arange(2),
        "voxels": np.zeros((4, 4, 4), np.uint8),
        "category": 1,
        "sample_id": "box/a",
        "rng": SampleRandom(7),
    }
    packed = reconstructor.pipeline.pipeline(sample)
    batch = {"images": packed["images"][None], "sample_id": ["box/a"]}
    expected = reconstructor.model.test_step(batch).probabilities
    found = reconstructor(list(renderings[:2]))
    assert isinstance(found, Voxels) and len(found) == 1
    assert torch.equal(found.probabilities, expected)
    assert found.probabilities.std() > 0.01


def test_masks_reach_the_model(reconstructor, renderings, monkeypatch):
    seen, step = {}, reconstructor.model.test_step
    monkeypatch.setattr(
        reconstructor.model,
        "test_step",
        lambda batch: seen.update(batch) or step(batch),
    )
    reconstructor(list(renderings[:2]))
    masks = seen["masks"]
    assert masks.shape == (1, 2, 1, *seen["images"].shape[-2:])
    # Where there is no object, the picture is the background.
    outside = (masks == 0).expand_as(seen["images"])
    background = seen["images"][outside]
    assert background.numel() and torch.allclose(background, background[0])
    assert (masks == 1).any()


LAYOUTS = {"ShapeNetDRC": (["DropAlpha"], 0.65), "ShapeNetNMR": ([], 0.6)}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_with_masks_apart(layout, renderings):
    """Their pictures have another size, and no step makes masks of alpha."""
    from mmengine.config import Config

    from svr3d.apis.preprocessing import ImagePipeline

    names, share = LAYOUTS[layout]
    steps = [dict(type=name) for name in names]
    steps.append(dict(type="PackViews", mask_channel=False))
    dataset = dict(type=layout, pipeline=steps)
    pipeline = ImagePipeline.from_config(
        Config(dict(test_dataloader=dict(dataset=dataset))), source="here"
    )
    found = pipeline.inputs([renderings[0]])
    assert found["images"].shape == (1, 3, 64, 64)
    assert found["masks"].shape == (1, 64, 64)
    mask = found["masks"][0] > 0.5
    sides = [torch.nonzero(mask.any(axis)).flatten() for axis in (0, 1)]
    longer = max(float(side.max() - side.min()) + 1 for side in sides)
    assert longer == pytest.approx(64 * share, abs=3)
    # Of the pictures' own size nothing is framed anew.
    small = np.zeros((64, 64, 4), np.uint8)
    small[10:30, 10:40] = 250, 100, 0, 255
    found = pipeline.inputs([small])
    np.testing.assert_array_equal(found["masks"][0] == 1, small[..., 3] == 255)
    inside = found["images"][0, :, 20, 20] * 255
    expected = [250, 100, 0] if layout == "ShapeNetDRC" else [5, 155, 255]
    np.testing.assert_allclose(inside, expected, atol=1e-3)
    assert not found["images"][0, :, 0, 0].any()


def test_codes_of_images(reconstructor, renderings):
    code, pictures = reconstructor.code(list(renderings[:2]))
    assert len(code) == 1 and len(pictures) == 2 and pictures[0].dtype == np.uint8
    found = reconstructor.decode(torch.cat([code, code, code]), batch_size=2)
    expected = reconstructor(list(renderings[:2]))
    assert len(found) == 3 and found.threshold == reconstructor.threshold
    for grid in found.probabilities:
        torch.testing.assert_close(grid, expected.probabilities[0])


def test_views_are_fused_and_one_suffices(reconstructor, renderings):
    one = reconstructor(renderings[0])
    listed = reconstructor([renderings[0]])
    stacked = reconstructor(renderings[:1])
    assert torch.equal(one.probabilities, stacked.probabilities)
    several = [reconstructor(list(renderings[:count])) for count in (2, 4)]
    assert torch.equal(one.probabilities, listed.probabilities)
    for shape in several:  # The last has more views than the model has norms.
        assert shape.probabilities.shape == one.probabilities.shape
        assert not torch.allclose(shape.probabilities, one.probabilities, atol=1e-4)


def test_plain_background_gives_nearly_the_same_input(reconstructor, renderings):
    view = renderings[0]
    alpha = view[..., 3:] / 255
    wanted, other = (
        reconstructor.pipeline([view]),
        reconstructor.pipeline(renderings[3:]),
    )
    for color in (255, 128):
        plain = (view[..., :3] * alpha + color * (1 - alpha)).astype(np.uint8)
        found = reconstructor.pipeline([plain])
        assert (found - wanted).abs().mean() < 0.01 * (other - wanted).abs().mean()


def test_larger_pictures_are_framed_as_renderings_are(reconstructor, renderings):
    large = np.zeros((400, 700, 4), np.uint8)
    enlarged = Image.fromarray(renderings[0]).resize((274, 274))
    large[60:334, 350:624] = np.asarray(enlarged)
    images = reconstructor.pipeline([large])
    assert images.shape == (1, 3, 127, 127)
    inside = (images[0] - 240 / 255).abs().amax(0) > 0.05
    rows, columns = inside.nonzero().unbind(1)
    extent = max(rows.max() - rows.min(), columns.max() - columns.min())
    assert 0.6 * 127 < extent < 0.8 * 127
    assert columns.float().mean() == pytest.approx(63, abs=12)


def test_folder_is_reconstructed_in_batches(reconstructor, folder, renderings):
    singles = list(reconstructor.reconstruct_folder(folder, batch_size=3))
    assert [result.name for result in singles] == ["00", "01", "00_2", "01_2"]
    for grid, view in zip(grids(singles), renderings, strict=True):
        assert torch.allclose(grid, reconstructor(view).grid, atol=1e-5)
    pairs = list(reconstructor.reconstruct_folder(folder, multi_view=True))
    assert [result.name for result in pairs] == ["object0", "object1"]
    expected = reconstructor(list(renderings[2:])).grid
    assert torch.allclose(pairs[1].shape.grid, expected, atol=1e-5)
    assert [len(result.pictures) for result in pairs] == [2, 2]
    assert pairs[0].pictures[0].shape == (127, 127, 3)


def test_different_numbers_of_views_keep_their_order(reconstructor, renderings):
    counts = [1, 1, 2, 2, 1]
    objects = [(str(i), list(renderings[:n])) for i, n in enumerate(counts)]
    results = list(reconstructor.reconstruct(objects, batch_size=4))
    assert [result.name for result in results] == list("01234")
    assert torch.allclose(results[4].shape.grid, results[0].shape.grid, atol=1e-5)


def test_a_bad_image_is_named_and_the_others_go_on(reconstructor, folder):
    bad = folder / "object0" / "01.png"
    bad.write_bytes(bad.read_bytes()[:150])
    with pytest.raises(DataError, match=r"object0/01\.png"):
        list(reconstructor.reconstruct_folder(folder))
    errors = []
    results = list(
        reconstructor.reconstruct_folder(
            folder, on_error=lambda name, error: errors.append((name, str(error)))
        )
    )
    assert len(results) == 3 and len(errors) == 1
    assert errors[0][0] == "01" and "object0/01.png" in errors[0][1]
    with pytest.raises(DataError, match="at least one image"):
        reconstructor([])


def test_threshold_comes_from_the_checkpoint_unless_given(write_checkpoint, renderings):
    plain = Reconstructor(write_checkpoint(), device="cpu")
    assert plain.threshold == 0.4 and "default" in plain.threshold_source
    stored = Reconstructor(write_checkpoint(threshold=0.3), device="cpu")
    assert stored.threshold == 0.3 and "validation" in stored.threshold_source
    given = Reconstructor(write_checkpoint(threshold=0.3), threshold=0.6)
    assert given.threshold == 0.6 and given.categories == ["box", "ball"]
    shape = given(renderings[0])
    assert torch.equal(shape.binary(), shape.probabilities >= 0.6)
    with pytest.raises(ValueError, match="between 0 and 1, found 1.5"):
        Reconstructor(write_checkpoint(), threshold=1.5)


def test_foreign_checkpoints_are_refused(tmp_path):
    path = tmp_path / "other.pth"
    torch.save({"state_dict": {}, "meta": {}}, path)
    with pytest.raises(CheckpointError, match=r"other\.pth"):
        Reconstructor(path)


def test_objects_are_named_after_what_tells_most(tmp_path):
    for name in ("chair7/rendering/00.png", "chair7/rendering/01.png", "lamp/a.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    views = [tmp_path / "chair7/rendering/00.png", tmp_path / "chair7/rendering/01.png"]
    assert find_objects(views, multi_view=True) == [("chair7", views)]
    assert [name for name, _ in find_objects(views)] == ["00", "01"]
    folders = find_objects([tmp_path], multi_view=True)
    assert [name for name, _ in folders] == ["chair7", "lamp"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: expected images.*found none"):
        find_objects([tmp_path / "empty"])
