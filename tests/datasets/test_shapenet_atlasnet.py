# SPDX-License-Identifier: Apache-2.0
"""Reading AtlasNet's layout: splits, views, what is missing, the cache."""

from functools import cache

import cv2
import numpy as np
import pytest
from mmengine.registry import init_default_scope
from torch.utils.data import default_collate

from svr3d.datasets import CloudSampling, SeededIndex, ShapeNetAtlasNet
from svr3d.datasets.rng import SampleRandom
from svr3d.datasets.transforms import AugmentPoints, DropAlpha, RandomWindow, Resize
from svr3d.engine.config import load_config
from svr3d.errors import ConfigError, DataError
from svr3d.io.cameras import write_rendering_metadata
from svr3d.registry import DATASETS

MODELS = {"02691156": 10, "03001627": 7}
NUM_VIEWS = 24
YAW = "ShapeNetV1RenderingAnglelimit/ShapeNetV1RenderingSample{}/image/{}/m{}/easy"


def write_tree(root):
    rng = np.random.default_rng(0)
    for category, count in MODELS.items():
        for number in range(count):
            folder = root / "ShapeNetV1PointCloud" / category
            folder.mkdir(parents=True, exist_ok=True)
            cloud = rng.normal(size=(50, 6)).astype(np.float32)
            cloud[:, :3] += 1000 * number  # so that clouds cannot be confused
            np.save(folder / f"m{number}.points.ply.npy", cloud)
            images = root / "ShapeNetV1Renderings" / category / f"m{number}/rendering"
            write_images(images, number, NUM_VIEWS)
            for name in ("Yaw000", "Yaw090"):
                images = YAW.format(name, category, number)
                write_images(root / images, number, 1)
    return root


def write_images(folder, number, views):
    folder.mkdir(parents=True)
    rows = np.zeros((views, 5))
    rows[:, :4] = np.arange(4 * views).reshape(views, 4)
    rows[:, 2] = 0
    write_rendering_metadata(folder / "rendering_metadata.txt", rows)
    for view in range(views):
        (folder / f"{view:02d}.png").write_bytes(encoded(number, view))


@cache
def encoded(number, view):
    """Return a picture whose colours tell model and view."""
    pixels = np.full((137, 137, 4), 255, np.uint8)
    pixels[..., 0], pixels[..., 1] = 10 * number, 10 * view
    return cv2.imencode(".png", pixels)[1].tobytes()


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp("atlasnet"))


@pytest.fixture
def own_tree(tmp_path):
    return write_tree(tmp_path)


def test_split_rule(tree):
    train = ShapeNetAtlasNet(str(tree))
    test = ShapeNetAtlasNet(str(tree), split="test")
    assert len(train) == 8 + 5 and len(test) == 2 + 2
    assert test.sample_ids[:2] == ["02691156/m8", "02691156/m9"]
    assert train.metainfo["categories"] == ["aeroplane", "chair"]
    share = {"validation_share": 0.2}
    kept = ShapeNetAtlasNet(str(tree), **share)
    val = ShapeNetAtlasNet(str(tree), split="val", **share)
    assert kept.sample_ids + val.sample_ids != train.sample_ids  # category by category
    assert sorted(kept.sample_ids + val.sample_ids) == train.sample_ids
    assert val.sample_ids == ["02691156/m6", "02691156/m7", "03001627/m4"]
    with pytest.raises(ConfigError, match="split='val' needs a validation_share"):
        ShapeNetAtlasNet(str(tree), split="val")
    few = ShapeNetAtlasNet(str(tree), categories=["chair"])
    assert set(few.category_ids) == {0} and len(few) == 5


def seen(sample):
    """Return model and view that an image shows."""
    blue, green = (sample["images"][0, 60, 60, :2] * 25.5).round().astype(int)
    return int(blue), int(green)


def test_readers(tree):
    every = ShapeNetAtlasNet(str(tree), views=(1, 3), categories=["chair"])
    assert len(every) == 15 and every.sample_ids[:4] == ["03001627/m0"] * 3 + [
        "03001627/m1"
    ]
    assert [seen(every[i]) for i in (0, 1, 2, 3)] == [(0, 1), (0, 2), (0, 3), (1, 1)]
    drawn = ShapeNetAtlasNet(str(tree), reader="random", views=(1, 23))
    views = [seen(drawn[SeededIndex(2, seed)]) for seed in range(200)]
    assert {view for _, view in views} == set(range(1, 24))
    assert {model for model, _ in views} == {2}
    with pytest.raises(ConfigError, match="a sampler that wants 3"):
        drawn[SeededIndex(0, 0, num_views=3)]
    with pytest.raises(DataError, match=r"24\.png: missing"):
        ShapeNetAtlasNet(str(tree), views=(1, 24))


def test_points_follow_their_image(tree):
    """The mean of each cloud tells its model: nothing may shift."""
    points = {"num_points": None, "normalization": "Identity"}
    for sample in ShapeNetAtlasNet(str(tree), views=(2, 3), points=points):
        number = int(sample["sample_id"].split("/m")[1])
        assert round(sample["surface_points"].mean() / 1000) == number
        assert seen(sample)[0] == number


def test_autoencoder(tree):
    points = CloudSampling(num_points=20, as_input=True, normals=True)
    augment = AugmentPoints(180, rotate=True, flip_axes=(0, 2), max_shift=0.03)
    dataset = ShapeNetAtlasNet(str(tree), [augment], reader="none", points=points)
    sample = dataset[0]
    assert "images" not in sample and dataset.count_views(0) == 0
    assert sample["surface_points"].shape == (20, 3)
    np.testing.assert_array_equal(sample["input_points"], sample["surface_points"])
    plain = ShapeNetAtlasNet(str(tree), reader="none", points=points)[0]
    # A rigid motion keeps all distances, and angles between normals.
    before, after = (s["surface_points"].astype(np.float64) for s in (plain, sample))
    for a, b in ((before, after), (before - before[0], after - after[0])):
        assert not np.allclose(a, b, atol=1e-2)
    distances = [np.linalg.norm(c[:, None] - c, axis=-1) for c in (before, after)]
    np.testing.assert_allclose(*distances, atol=1e-5)
    old, new = plain["surface_normals"], sample["surface_normals"]
    old = old / np.linalg.norm(old, axis=1, keepdims=True)
    np.testing.assert_allclose(new @ new.T, old @ old.T, atol=1e-5)


def test_normals_stay_perpendicular():
    """A plane keeps its normal under any scale of the axes."""
    rng = np.random.default_rng(0)
    normal = np.array([0.6, 0.0, 0.8])
    points = rng.normal(size=(30, 3))
    points -= (points @ normal)[:, None] * normal
    step = AugmentPoints(30, scale_range=(0.5, 2.0), rotate=True)
    found = step(
        {
            "surface_points": points.astype(np.float32),
            "surface_normals": np.tile(normal.astype(np.float32), (30, 1)),
            "rng": SampleRandom(3),
        }
    )
    along = found["surface_points"] @ found["surface_normals"][0]
    np.testing.assert_allclose(along, 0, atol=1e-5)


def test_models_without_renderings_are_left_out(own_tree, monkeypatch):
    said = []
    log = "svr3d.datasets.shapenet_atlasnet.print_log"
    monkeypatch.setattr(log, lambda text, **options: said.append(text))
    folder = own_tree / "ShapeNetV1Renderings/02691156/m3"
    folder.rename(folder.with_name("elsewhere"))
    dataset = ShapeNetAtlasNet(str(own_tree))
    assert len(dataset) == 12 and "02691156/m3" not in dataset.sample_ids
    assert dataset.metainfo["unrendered"] == ["02691156/m3"]
    (text,) = said
    assert "1 of 13 models of split 'train' have no renderings" in text
    assert len(ShapeNetAtlasNet(str(own_tree), reader="none")) == 13
    image = own_tree / "ShapeNetV1Renderings/02691156/m2/rendering/00.png"
    image.write_bytes(image.read_bytes()[:50])
    with pytest.raises(DataError, match="m2/rendering/00.png: truncated PNG"):
        ShapeNetAtlasNet(str(own_tree))
    assert len(ShapeNetAtlasNet(str(own_tree), skip_missing=True)) == 11
    cloud = own_tree / "ShapeNetV1PointCloud/02691156/m1.points.ply.npy"
    cloud.write_bytes(cloud.read_bytes()[:-8])
    with pytest.raises(DataError, match="m1.points.ply.npy: truncated"):
        ShapeNetAtlasNet(str(own_tree), reader="none")


def test_cache_never_gives_another_cloud(own_tree, tmp_path):
    options = {
        "data_root": str(own_tree), "reader": "none", "points": {"num_points": None}
    }  # fmt: skip
    plain = list(ShapeNetAtlasNet(**options))
    cached = options | {"cache_folder": str(tmp_path / "cache")}

    def check(expected):
        for _ in range(2):  # the first fills the cache
            found = list(ShapeNetAtlasNet(**cached))
            assert [s["sample_id"] for s in found] == [s["sample_id"] for s in expected]
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_array_equal(a["surface_points"], b["surface_points"])

    check(plain)
    files = len(list((tmp_path / "cache").glob("*/*.npy")))
    assert files == len(plain) == 13
    folder = own_tree / "ShapeNetV1PointCloud/02691156"
    (folder / "m0.points.ply.npy").unlink()  # all models behind it move up
    check(list(ShapeNetAtlasNet(**options)))
    other_cloud = np.arange(42, dtype=np.float32).reshape(7, 6)
    np.save(folder / "m1.points.ply.npy", other_cloud)
    changed = list(ShapeNetAtlasNet(**options))
    assert len(changed[0]["surface_points"]) == 7
    check(changed)
    boxes = {"points": {"num_points": None, "normalization": "BoundingBox"}}
    other = ShapeNetAtlasNet(**(cached | boxes))[1]["surface_points"]
    assert np.ptp(other, axis=0).max() == pytest.approx(2, abs=1e-4)


def test_transforms():
    images = np.zeros((1, 12, 10, 4), np.float32)
    images[0, :, :5] = (1.0, 1.0, 1.0, 1.0)
    images[0, :, 5:] = (0.0, 1.0, 0.0, 0.0)  # green hides under transparency
    sample = {"images": images, "rng": SampleRandom(0)}
    resized = Resize(24)(sample)["images"]
    assert resized.shape == (1, 28, 24, 4)
    colours, alpha = resized[..., :3], resized[..., 3]
    assert colours[alpha > 0].min() == 1  # nothing bleeds into the edge
    assert colours[alpha == 0].max() == 0 and 0 < alpha[0, 0, 12] < 1
    kept = DropAlpha(masks=True)(sample)
    np.testing.assert_array_equal(kept["images"], images[..., :3])
    np.testing.assert_array_equal(kept["masks"], images[..., 3])
    whole = RandomWindow((4, 6))
    shapes = {whole(sample)["images"].shape for _ in range(5)}
    assert shapes == {(1, 4, 6, 4)}
    with pytest.raises(ValueError, match="at least 13 x 13 pixels, found 12 x 10"):
        RandomWindow(13)(sample)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"reader": "all"}, "reader must be one of"),
        ({"coordinates": "world"}, "coordinates must be one of"),
        ({"views": (3, 1)}, "views must be a first and a last view"),
        ({"validation_share": 0.9}, "validation_share must be"),
        ({"reader": "none", "coordinates": "viewer"}, "needs views"),
        ({"points": {"num_points": 0}}, "num_points must be positive"),
    ],
)
def test_wrong_options(tree, change, message):
    with pytest.raises(ConfigError, match=message):
        ShapeNetAtlasNet(str(tree), **change)


@pytest.mark.parametrize(
    "name, images, number",
    [
        ("shapenet_atlasnet", True, 13),
        ("shapenet_atlasnet_views", True, 13),
        ("shapenet_atlasnet_yaw", True, 13),
        ("shapenet_atlasnet_points", False, 13),
    ],
)
@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_base_configs(repository, tree, name, images, number, part):
    init_default_scope("svr3d")
    path = repository / "configs/_base_/datasets" / f"{name}.py"
    cfg = load_config(path, {"data_root": str(tree)}, verbose=False)
    dataset = DATASETS.build(cfg[f"{part}_dataloader"]["dataset"])
    assert len(dataset) == (number if part == "train" else 4)
    batch = default_collate([dataset[0], dataset[3]])
    assert batch["surface_points"].shape == (2, 2500, 3)
    assert ("images" in batch) == images and ("input_points" in batch) != images
    if images:
        side = 137 if name.endswith("yaw") else 224
        assert batch["images"].shape == (2, 1, 3, side, side)
    assert ("camera_rotation" in batch) == name.endswith("views")
