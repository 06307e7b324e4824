# SPDX-License-Identifier: Apache-2.0
"""The discrepancy of views joins the metrics of a validation."""

import json

import pytest
import torch
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import Dataset

from svr3d.analysis.mmd import mean_of_pairs, pairwise_mmd
from svr3d.engine.hooks.view_mmd_hook import ViewMMDHook
from svr3d.errors import ConfigError
from svr3d.models.reconstructors.base import BaseReconstructor


class MeanColor(BaseReconstructor):
    def loss(self, batch):
        return {}

    def predict(self, batch):
        return list(batch["sample_id"])

    def code(self, batch):
        return batch["images"][:, 0].mean((2, 3))


class Codeless(MeanColor):
    code = BaseReconstructor.code


class Views(Dataset):
    def __init__(self, views):
        self.views = views
        generator = torch.Generator().manual_seed(0)
        self.images = torch.rand(12, 1, 3, 4, 4, generator=generator)

    def __len__(self):
        return 12

    def __getitem__(self, index):
        return {
            "images": self.images[index],
            "view_ids": torch.tensor([index % self.views]),
            "sample_id": f"a/{index}",
        }


class Count(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results += data_samples

    def compute_metrics(self, results):
        return {"count": len(results)}


class Seen(Hook):
    priority = "LOW"

    def after_val_epoch(self, runner, metrics=None):
        self.metrics = dict(metrics)


def make_runner(folder, model, hook, views=3):
    seen = Seen()
    runner = Runner(
        model=model,
        work_dir=str(folder),
        val_dataloader=dict(
            dataset=Views(views),
            batch_size=5,
            collate_fn=dict(type="default_collate"),
            sampler=dict(type="DefaultSampler", shuffle=False),
        ),
        val_cfg=dict(),
        val_evaluator=Evaluator(Count()),
        custom_hooks=[hook, seen],
        experiment_name=f"{folder.name}_{views}",
    )
    return runner, seen


def test_every_validation_measures_anew(tmp_path):
    runner, seen = make_runner(tmp_path, MeanColor(), ViewMMDHook())
    codes = runner.val_dataloader.dataset.images[:, 0].mean((2, 3))
    expected = mean_of_pairs(pairwise_mmd([codes[view::3] for view in range(3)]))
    for _ in range(2):
        runner.val()
        assert seen.metrics["codes/view_mmd"] == pytest.approx(expected)
    assert seen.metrics["count"] == 12
    (scalars,) = tmp_path.rglob("scalars.json")
    rows = [json.loads(line) for line in scalars.read_text().splitlines()]
    logged = [row["codes/view_mmd"] for row in rows if "codes/view_mmd" in row]
    assert logged == [pytest.approx(expected)] * 2


def test_one_view_is_told(tmp_path):
    runner, seen = make_runner(tmp_path, MeanColor(), ViewMMDHook(), views=1)
    runner.val()
    assert seen.metrics.keys() == {"count"}
    texts = [path.read_text() for path in tmp_path.rglob("*.log")]
    assert any("ViewMMDHook: domains: expected two" in text for text in texts)


def test_wrong_use(tmp_path):
    with pytest.raises(ConfigError, match="Codeless: expected a method with a code"):
        make_runner(tmp_path, Codeless(), ViewMMDHook(), views=2)[0].val()
    with pytest.raises(ValueError, match="azimuth_bins: expected at least 2"):
        ViewMMDHook(azimuth_bins=1)
    with pytest.raises(ValueError, match="most: expected at least 2"):
        ViewMMDHook(most=1)
