# SPDX-License-Identifier: Apache-2.0
"""The published recipes of Occupancy Networks: they train, validate and test."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import MODELS, DefaultScope

from svr3d.cli import main as console
from svr3d.engine.config import load_config, shipped_configs
from svr3d.engine.runner import build_runner, prepare_config
from svr3d.io.binvox import write_binvox
from svr3d.io.points import (
    OccupancyPoints,
    SurfacePoints,
    write_pointcloud,
    write_points,
)

CATEGORIES = ("02691156", "02958343", "03001627", "04256520")
RECIPES = [
    name.removeprefix("occnet/").removesuffix(".py")
    for name in shipped_configs()
    if name.startswith("occnet/") and not name.endswith(("_custom.py", "_synthetic.py"))
]
PUBLISHED = [name for name in RECIPES if "lightning" not in name]
LIGHTNING = [name for name in RECIPES if "lightning" in name]
# As published: 224 pixels, 128^3 cells and whole networks take minutes here.
SMALL = {
    "onet_repr_power": {"model.backbone.num_objects": 2},
    "onet_pointcloud": {"model.backbone.hidden": 32},
}
# The others test as these do.
TESTED = ("onet_img", "onet_pointcloud", "onet_unconditional_cars", "onet_repr_power")
COUNTS = {
    "onet_img": 13_414_465,
    "onet_img_augmented": 13_414_465,
    "onet_img_nocbn": 12_038_465,
    "onet_img_noresnet": 12_427_585,
    "onet_pointcloud": 10_373_889,
    "onet_voxels": 7_857_473,
    "onet_unconditional_cars": 298_369,
}


def write_object(folder, rng):
    images = folder / "img_choy2016"
    images.mkdir(parents=True)
    for view in range(2):
        pixels = rng.integers(0, 255, (40, 40, 3), np.uint8)
        cv2.imwrite(str(images / f"{view:03d}.jpg"), pixels)
    voxels = np.zeros((32, 32, 32), np.uint8)
    voxels[8:24, 8:24, 8:24] = 1
    write_binvox(folder / "model.binvox", voxels)
    points = rng.uniform(-0.55, 0.55, (300, 3)).astype(np.float32)
    inside = (np.abs(points) < 0.25).all(1)
    inside[0] = True
    for name in ("points.npz", "points_surface.npz"):
        write_points(folder / name, OccupancyPoints(points, inside))
    surface = SurfacePoints(points, np.tile(np.float32([0, 1, 0]), (300, 1)))
    write_pointcloud(folder / "pointcloud.npz", surface)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A few boxes in the published layout."""
    root, rng = tmp_path_factory.mktemp("occnet"), np.random.default_rng(0)
    for category in CATEGORIES:
        for split, models in {"train": ["a", "b"], "val": ["c"], "test": ["d"]}.items():
            for model in models:
                write_object(root / category / model, rng)
            (root / category / f"{split}.lst").write_text("\n".join(models))
    return root


NARROW = {
    "model.head.decoder.hidden_features": 16,
    "model.head.resolution": 4,
    "model.head.upsampling_steps": 1,
}


def recipe(name, data_root, changes=NARROW):
    """A recipe with the changes that make it small."""
    changes = {"data_root": str(data_root), **changes, **SMALL.get(name, {})}
    cfg = load_config(f"occnet/{name}.py", changes, verbose=False)
    if "pretrained" in cfg.model.backbone:
        cfg.model.backbone.pretrained = None
    for mode in ("train", "val", "test"):
        loader = cfg[f"{mode}_dataloader"]
        loader.num_workers = 0
        loader.dataset.max_samples = 2
        loader.batch_size = min(2, loader.batch_size)
        for step in loader.dataset.pipeline:
            if "size" in step:
                step["size"] = 48
    return cfg


@pytest.mark.parametrize("name", PUBLISHED)
def test_recipe_trains_validates_and_tests(name, data, tmp_path, monkeypatch):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    cfg = recipe(name, data)
    cfg.train_cfg.update(max_iters=2, val_interval=2)
    cfg.default_hooks.checkpoint.update(interval=-1, save_last=False)
    runner = build_runner(prepare_config(cfg, work_dir=tmp_path))
    runner.train()
    assert runner.iter == 2
    for key, value in runner.model.state_dict().items():
        assert torch.isfinite(value).all(), key
    best = cfg.default_hooks.checkpoint.save_best
    assert np.isfinite(runner.message_hub.get_scalar(f"val/{best}").current())
    assert len(list(tmp_path.glob("best_*.pth"))) == 1
    assert len(list(tmp_path.glob("**/pictures/iter_0002.png"))) == 1
    if name not in TESTED:
        return
    metrics = runner.test()
    assert best in metrics and np.isfinite(metrics[best])


@pytest.mark.parametrize("name", LIGHTNING)
def test_lightning_recipe_trains_and_tests(name, data, tmp_path, monkeypatch):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    files = tmp_path / "hdf5"
    assert console.main(["occnet-to-hdf5", str(data), str(files)]) == 0
    changes = {"+model.head.resolution": 4, "+model.head.upsampling_steps": 1}
    cfg = recipe(name, files / "hdf_data", changes)
    for mode in ("train", "val", "test"):
        cfg[f"{mode}_dataloader"].dataset.points.num_points = 100
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    runner = build_runner(prepare_config(cfg, work_dir=tmp_path / "run"))
    runner.train()
    assert runner.iter >= 1
    for key, value in runner.model.state_dict().items():
        assert torch.isfinite(value).all(), key
    assert np.isfinite(runner.message_hub.get_scalar("val/occupancy/loss").current())
    assert 0 <= runner.test()["point/iou"] <= 1


@pytest.mark.parametrize("name", COUNTS)
def test_published_number_of_parameters(name):
    with DefaultScope.overwrite_default_scope("svr3d"):
        model = MODELS.build(load_config(f"occnet/{name}.py", verbose=False).model)
    assert sum(p.numel() for p in model.parameters()) == COUNTS[name]


def test_settings_of_the_recipes_are_the_published_ones():
    cfg = load_config("occnet/onet_img.py", verbose=False)
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.lr, optimizer.betas, optimizer.eps) == (1e-4, (0.9, 0.999), 1e-8)
    assert not cfg.param_scheduler and cfg.train_cfg.val_interval == 2000
    assert cfg.train_dataloader.batch_size == 64
    assert cfg.val_dataloader.batch_size == 10
    head = cfg.model.head
    assert (head.threshold, head.resolution, head.upsampling_steps) == (0.2, 32, 2)
    points = {
        name: load_config(
            f"occnet/{name}.py", verbose=False
        ).train_dataloader.dataset.points.num_points
        for name in PUBLISHED
    }
    expected = dict.fromkeys(PUBLISHED, 2048) | {
        "onet_voxels": 1024,
        "onet_repr_power": 1024,
        "onet_img_sampling_equal": (1024, 1024),
        "onet_img_sampling_few": 64,
    }
    assert points == expected
