# SPDX-License-Identifier: Apache-2.0
import logging
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import default_collate
from mmengine.runner import IterBasedTrainLoop
from PIL import Image

from svr3d.engine.hooks.visualization_hook import VisualizationHook
from svr3d.metrics import AlignedPointDistances
from svr3d.structures import PointCloud, Voxels


class Copier(torch.nn.Module):
    """A model whose prediction is the target, weakened for odd samples."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def test_step(self, batch):
        assert not self.training
        self.batches.append(batch["sample_id"])
        grids = torch.as_tensor(batch["voxels"]).float()
        for grid, name in zip(grids, batch["sample_id"], strict=True):
            if int(name.split("/")[1]) % 2:
                grid[:2] = 0
        return Voxels(grids)


class Broken(Copier):
    def test_step(self, batch):
        raise RuntimeError("no memory left")


class Samples(torch.utils.data.Dataset):
    def __len__(self):
        return 10

    def __getitem__(self, index):
        voxels = torch.zeros(6, 6, 6, dtype=torch.uint8)
        voxels[1:5, 1:4, 2:4] = 1
        return {
            "images": torch.full((2, 3, 20, 20), index / 10),
            "voxels": voxels,
            "category": 0,
            "sample_id": f"box/{index}",
        }


def make_runner(tmp_path, model):
    loader = SimpleNamespace(dataset=Samples(), collate_fn=default_collate)
    added = []

    def add_image(name, image, step=0):
        added.append((name, image.shape, step))

    return SimpleNamespace(
        model=model,
        work_dir=str(tmp_path),
        val_dataloader=loader,
        train_dataloader=loader,
        _train_loop=None,
        _val_loop=object(),
        epoch=3,
        iter=70,
        visualizer=SimpleNamespace(add_image=add_image),
        added=added,
        logger=logging.getLogger("pictures"),
    )


def pictures(tmp_path):
    return sorted(path.name for path in (tmp_path / "pictures").glob("*"))


def test_validation_draws_the_same_spread_samples(tmp_path):
    runner = make_runner(tmp_path, Copier().train())
    hook = VisualizationHook(interval=2, num_samples=5, num_views=1, cell_size=32)
    states = random.getstate(), torch.get_rng_state(), np.random.get_state()[1].copy()
    for epoch in (1, 2, 3, 4):
        runner.epoch = epoch
        hook.after_val_epoch(runner)
    assert pictures(tmp_path) == ["epoch_0002.png", "epoch_0004.png"]
    assert runner.model.batches == [[f"box/{i}" for i in (1, 3, 5, 7, 9)]] * 2
    assert runner.model.training
    name, shape, step = runner.added[-1]
    assert name == "input_target_prediction" and step == 4
    picture = np.asarray(Image.open(tmp_path / "pictures" / "epoch_0004.png"))
    assert picture.shape == shape and (picture < 250).any()
    assert random.getstate() == states[0]
    assert torch.equal(torch.get_rng_state(), states[1])
    assert np.array_equal(np.random.get_state()[1], states[2])


def test_runs_by_iteration_and_without_validation(tmp_path):
    runner = make_runner(tmp_path, Copier())
    hook = VisualizationHook(num_samples=2, num_views=1, cell_size=32)
    # As a runner has it, but for its data.
    runner._train_loop = object.__new__(IterBasedTrainLoop)
    hook.after_val_epoch(runner)
    runner._val_loop = None
    hook.after_train_epoch(runner)
    assert pictures(tmp_path) == ["epoch_0004.png", "iter_0070.png"]


def test_test_draws_best_worst_and_by_lot(tmp_path):
    runner = make_runner(tmp_path, Copier().eval())
    hook = VisualizationHook(num_samples=3, num_views=1, cell_size=32)
    hook.before_test_epoch(runner)
    samples = [Samples()[index] for index in range(10)]
    # The last sample comes twice, as samplers of several processes pad.
    for index, part in enumerate((samples[:4], samples[4:], samples[-1:])):
        batch = default_collate(part)
        hook.after_test_iter(runner, index, batch, runner.model.test_step(batch))
    hook.after_test_epoch(runner)
    names = ["test_best.png", "test_samples.png", "test_worst.png"]
    assert pictures(tmp_path) == names
    kept = {
        name: [(sample.sample_id, round(sample.iou, 3)) for sample in kept]
        for name, kept in hook._kept.items()
    }
    assert kept["best"] == [("box/0", 1.0), ("box/2", 1.0), ("box/4", 1.0)]
    assert kept["worst"] == [("box/1", 0.75), ("box/3", 0.75), ("box/5", 0.75)]
    assert len({name for name, _ in kept["samples"]}) == 3


def test_clouds_are_drawn_after_the_rotation_that_was_fitted(tmp_path):
    """A stick along y, which the network sees along z."""
    stick = torch.zeros(1, 60, 3)
    stick[..., 1] = torch.linspace(-0.5, 0.5, 60)
    batch = {
        "images": torch.rand(1, 1, 3, 20, 20),
        "surface_points": stick,
        "category": torch.tensor([0]),
        "sample_id": ["stick/1"],
    }
    metric = AlignedPointDistances(num_points=60)
    metric.dataset_meta = {"categories": ["stick"]}
    metric.fitted = {"stick": torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])}
    hook = VisualizationHook(num_samples=2, num_views=1, cell_size=48)

    def sheet(cloud, *metrics):
        runner = make_runner(tmp_path, Copier())
        runner._test_loop = SimpleNamespace(evaluator=SimpleNamespace(metrics=metrics))
        hook.before_test_epoch(runner)
        hook.after_test_iter(runner, 0, batch, PointCloud(cloud))
        hook.after_test_epoch(runner)
        assert pictures(tmp_path) == ["test_samples.png"]
        return np.asarray(Image.open(tmp_path / "pictures/test_samples.png")).copy()

    lying = stick[..., [0, 2, 1]]
    assert np.array_equal(sheet(lying, metric), sheet(stick))
    assert not np.array_equal(sheet(lying), sheet(stick))


def test_a_picture_never_stops_a_run(tmp_path, caplog):
    runner = make_runner(tmp_path, Broken().train())
    VisualizationHook(num_samples=2).after_val_epoch(runner)
    assert "no memory left" in caplog.text and "epoch 3" in caplog.text
    assert pictures(tmp_path) == [] and runner.model.training
    with pytest.raises(ValueError, match="at least 1"):
        VisualizationHook(interval=0)
