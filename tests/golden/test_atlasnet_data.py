# SPDX-License-Identifier: Apache-2.0
"""The data side of AtlasNet against what the original programs computed."""

import json

import cv2
import numpy as np
import pytest
import torch

from svr3d.datasets import ShapeNetAtlasNet, base
from svr3d.datasets.rng import SampleRandom
from svr3d.datasets.transforms import (
    AugmentPoints,
    CenterCrop,
    DropAlpha,
    PackViews,
    RandomFlip,
    RandomWindow,
    Resize,
)
from svr3d.geometry.cameras import camera_centres, orbit_camera, viewer_rotation
from svr3d.geometry.cloud_placement import find_placement
from svr3d.geometry.rotations import axis_rotation, rotation_about
from svr3d.io.cameras import write_rendering_metadata

NAMES = {"02691156": "airplane,aeroplane,plane", "03001627": "chair"}
CENTRE = [CenterCrop((127, 127), (127, 127)), Resize(224), DropAlpha(), PackViews()]


@pytest.fixture
def case(request, golden, golden_dir):
    return golden.load(golden_dir / request.param)


def only(name):
    return pytest.mark.parametrize("case", [name], indirect=True)


class RecordedDraws:
    """Stands for numpy's generator: numbers that torch drew in the original."""

    def __init__(self, uniform=(), normal=()):
        self.uniforms, self.normals = list(uniform), list(normal)

    def uniform(self, low, high, size=None):
        taken = [self.uniforms.pop(0) for _ in range(size or 1)]
        values = low + (high - low) * np.array(taken, np.float64)
        return values if size else values[0]

    def normal(self, size):
        return np.array([self.normals.pop(0) for _ in range(size)], np.float64)


class TorchPython:
    """Stands for Python's generator: crop and flip as torchvision draws them."""

    def randint(self, low, high):
        if (low, high) == (0, 1):
            return int(torch.rand(1) < 0.5)
        return int(torch.randint(low, high + 1, (1,)))


def one_stream(monkeypatch, seed):
    """Let samples draw from one generator in turn, as the original program did."""
    torch.manual_seed(seed)
    stream = SampleRandom(seed)
    stream.python = TorchPython()
    monkeypatch.setattr(base, "SampleRandom", lambda seed: stream)


def check_image(image, expected, name):
    """Compare an image (3, H, W) with its recorded sub-sample."""
    flat = image.double().flatten()
    total, squares, size, step = expected[f"{name}.stats"]
    assert flat.numel() == size
    found = flat[:: int(step)].numpy()
    np.testing.assert_allclose(found, expected[f"{name}.sub"], rtol=0, atol=1e-6)
    assert abs(flat.sum() - total) < 1e-2 and abs((flat**2).sum() - squares) < 1e-2


@only("atlasnet/normalization")
@pytest.mark.parametrize(
    "rule, name",
    [
        ("UnitBall", "unit_ball"),
        ("BoundingBox", "bounding_box"),
        ("AnisotropicBoundingBox", "bounding_box_anisotropic"),
        ("Center", "center"),
        ("CenterBox", "center_box"),
        ("Identity", "identity"),
    ],
)
def test_normalization(case, rule, name):
    points = torch.from_numpy(case[0]["points"])
    placement = find_placement(points, rule)
    found = placement.normalize(points)
    np.testing.assert_allclose(found, case[1][name], rtol=0, atol=1e-6)
    torch.testing.assert_close(placement.restore(found), points)


@only("atlasnet/normalization")
def test_rotations(case):
    angles = torch.tensor([0.3, -1.2])
    for axis in range(3):
        found = axis_rotation(axis, angles)
        np.testing.assert_allclose(found, case[1]["rotmats"][axis], atol=1e-6)
    torch.manual_seed(int(case[0]["torch_seed"]))
    axes, turns = torch.randn(4, 3).double(), torch.rand(4).double()
    axes = axes / axes.norm(dim=-1, keepdim=True)
    found = rotation_about(axes, torch.pi * (1 + 2 * turns))
    np.testing.assert_allclose(found, case[1]["random_rotmat"], atol=1e-6)


@only("atlasnet/normalization")
@pytest.mark.parametrize(
    "name, options, number",
    [
        ("aug_scale", {"scale_range": (0.75, 1.25)}, 3),
        ("aug_axis1", {"max_turn": 180}, 1),
        ("aug_rot3d", {"rotate": True}, 1),
        ("aug_translate", {"max_shift": 0.03}, 3),
        ("aug_flips02", {"flip_axes": (0, 2)}, 2),
    ],
)
def test_augmentation(case, name, options, number):
    """The batch draws numbers sample by sample, or one for each sample of a plane."""
    given, expected = case
    torch.manual_seed(int(given["torch_seed"]))
    normals = torch.randn(2, 3) if name == "aug_rot3d" else torch.zeros(2, 0)
    uniforms = torch.rand(2 * number).reshape(2, number)
    if name == "aug_flips02":
        uniforms = uniforms.flatten().reshape(2, 2).T
    step = AugmentPoints(**options)
    for index in range(2):
        rng = SampleRandom(0)
        rng.numpy = RecordedDraws(uniforms[index].tolist(), normals[index].tolist())
        cloud = given["points"][index]
        sample = {"surface_points": cloud, "input_points": cloud, "rng": rng}
        found = step(sample)
        for key in ("surface_points", "input_points"):
            np.testing.assert_allclose(
                found[key], expected[name][index], rtol=0, atol=1e-5
            )


def write_clouds(root, given):
    (root / "taxonomy.json").write_text(
        json.dumps([{"synsetId": k, "name": v} for k, v in NAMES.items()])
    )
    models = []
    for category, clouds in zip(NAMES, given["clouds"], strict=True):
        folder = root / "ShapeNetV1PointCloud" / category
        folder.mkdir(parents=True)
        for number, cloud in enumerate(clouds):
            model = f"obj{len(models) // 5}{number}"
            np.save(folder / f"{model}.points.ply.npy", cloud)
            models.append((category, model))
    return models


def encode_png(rgba):
    return cv2.imencode(".png", rgba[..., [2, 1, 0, 3]])[1].tobytes()


def write_renderings(root, given):
    """Write 24 renderings of each object."""
    images = [encode_png(image) for image in given["rgba"]]
    for number, (category, model) in enumerate(write_clouds(root, given)):
        folder = root / "ShapeNetV1Renderings" / category / model / "rendering"
        folder.mkdir(parents=True)
        write_rendering_metadata(
            folder / "rendering_metadata.txt", given["cameras"].round(8)
        )
        for view in range(24):
            content = images[(number + view) % len(images)]
            (folder / f"{view:02d}.png").write_bytes(content)
    return root


@only("atlasnet/dataset_shapenet")
def test_dataset_shapenet(case, tmp_path, monkeypatch):
    given, expected = case
    root = str(write_renderings(tmp_path, given))
    crop = [RandomWindow(127), RandomFlip(), *CENTRE[1:]]
    test = ShapeNetAtlasNet(root, CENTRE, split="test")
    train = ShapeNetAtlasNet(
        root, crop, reader="random", views=(1, 23), points={"num_points": 32}
    )
    for name, dataset in (("train", train), ("test", test)):
        models = [f"{s.split('/')[1]}.points.ply.npy" for s in dataset.sample_ids]
        assert models == expected[f"{name}.names"].tolist()
        categories = [s.split("/")[0] for s in dataset.sample_ids]
        assert categories == expected[f"{name}.categories"].tolist()
        assert dataset.metainfo["categories"] == ["airplane", "chair"]
        # The published program starts its draws anew for each of the two splits.
        one_stream(monkeypatch, int(given["seed"]))
        for index in (0, len(dataset) - 1):
            sample = dataset[index]
            points = expected[f"{name}.{index}.points"]
            found = sample["surface_points"]
            np.testing.assert_allclose(found, points, rtol=0, atol=1e-6)
            check_image(sample["images"][0], expected, f"{name}.{index}.image")
        whole = ShapeNetAtlasNet(
            root,
            split=name,
            points={"num_points": None, "normals": True},
            reader="none",
        )
        for sample, cloud in zip(whole, expected[f"{name}.all_points"], strict=True):
            both = np.hstack([sample["surface_points"], sample["surface_normals"]])
            np.testing.assert_allclose(both, cloud, rtol=0, atol=1e-6)


@only("dispersion/camera")
def test_camera(case):
    given, expected = case
    azimuth, elevation, _, distance, _ = torch.from_numpy(given["params"]).unbind(1)
    rotation = viewer_rotation(azimuth, elevation)
    np.testing.assert_allclose(rotation, expected["R"], rtol=0, atol=1e-12)
    position = camera_centres(orbit_camera(azimuth, elevation, distance))
    np.testing.assert_allclose(position, expected["position"], atol=1e-6)
    turned = torch.from_numpy(given["points"]) @ rotation.float().mT
    np.testing.assert_allclose(turned, expected["viewer"], rtol=0, atol=1e-6)
    back = turned @ rotation.float()
    np.testing.assert_allclose(back, expected["back"], rtol=0, atol=1e-6)


def check_views(expected, name, dataset, monkeypatch, seed, options):
    """Compare samples in object axes, and their turn to the viewer's."""
    assert len(dataset) == expected[f"{name}.len"]
    models = [f"{s.split('/')[1]}.points.ply.npy" for s in dataset.sample_ids]
    assert models == expected[f"{name}.names"].tolist()
    one_stream(monkeypatch, seed)
    recorded = {key.split(".")[1] for key in expected if key.startswith(f"{name}.")}
    numbers = sorted(int(part) for part in recorded if part.isdigit())
    for index in (0, len(dataset) - 1):
        sample = dataset[index]
        number = 0 if index == 0 else numbers[-1]
        if index and number == 0:
            continue
        points = expected[f"{name}.{number}.points"]
        found = sample["surface_points"]
        np.testing.assert_allclose(found, points, rtol=0, atol=1e-6)
        check_image(sample["images"][0], expected, f"{name}.{number}.image")
    monkeypatch.undo()  # from here on each sample draws from its own seed
    turned = ShapeNetAtlasNet(coordinates="viewer", **options)
    views = [int(view[:2]) for view in expected[f"{name}.views"]]
    plain = ShapeNetAtlasNet(**options)
    for index, view in enumerate(views):
        sample, same = turned[index], plain[index]
        assert sample["view_ids"].tolist() == [view]
        rotation = expected[f"{name}.rotmats"][index]
        np.testing.assert_allclose(sample["camera_rotation"], rotation, atol=1e-6)
        back = sample["surface_points"] @ sample["camera_rotation"]
        np.testing.assert_allclose(back, same["surface_points"], atol=1e-6)


@only("dispersion/dataset_views")
@pytest.mark.parametrize("name, views", [("train", (1, 3)), ("test", (0, 0))])
def test_dataset_views(case, tmp_path, monkeypatch, name, views):
    given, expected = case
    options = {
        "data_root": str(write_renderings(tmp_path, given)),
        "split": name,
        "views": views,
        "points": {"num_points": 16},
        "pipeline": CENTRE,
    }
    dataset = ShapeNetAtlasNet(**options)
    check_views(expected, name, dataset, monkeypatch, int(given["seed"]), options)


@only("dispersion/dataset_yawlimit")
@pytest.mark.parametrize("name", ["train", "test"])
def test_dataset_yawlimit(case, tmp_path, monkeypatch, name):
    given, expected = case
    for number, (category, model) in enumerate(write_clouds(tmp_path, given)):
        folder = tmp_path / "yaw" / category / model / "easy"
        folder.mkdir(parents=True)
        (folder / "00.png").write_bytes(encode_png(given["rgba"][number % 3]))
        row = [*given["cameras"][number][:4], 35, 32, 1.75, 0, 0, 0]
        text = " ".join(map(repr, map(float, row)))
        (folder / "rendering_metadata.txt").write_text(text + "\n")
    options = {
        "data_root": str(tmp_path),
        "split": name,
        "rendering_folder": "yaw",
        "image_folder": "easy",
        "points": {"num_points": 16},
        "pipeline": [DropAlpha(), PackViews()],
    }
    dataset = ShapeNetAtlasNet(**options)
    check_views(expected, name, dataset, monkeypatch, int(given["seed"]), options)
