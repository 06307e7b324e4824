# SPDX-License-Identifier: Apache-2.0
"""A data set, a model and a metric that train in milliseconds."""

import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, MODELS
from torch import nn
from torch.utils.data import Dataset

from svr3d.datasets.rng import SampleRandom, SeededIndex
from svr3d.models.reconstructors.base import BaseReconstructor
from svr3d.registry import DATASETS, METRICS


@DATASETS.register_module()
class ToyData(Dataset):
    """Vectors and their targets, with seeded noise as the augmentation."""

    METAINFO = {"categories": ["chair", "table"], "taxonomy_ids": ["03", "04"]}

    def __init__(
        self, size: int = 10, *, noise: float = 0.1, bad: int = -1, global_noise=0.0
    ):
        self.size, self.noise, self.bad = size, noise, bad
        self.global_noise = global_noise
        generator = np.random.RandomState(0)
        self.inputs = generator.randn(size, 6).astype(np.float32)
        self.metainfo = dict(self.METAINFO)

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        seed = 0
        if isinstance(index, SeededIndex):
            index, seed, _ = index
        x = self.inputs[index].copy()
        draw = SampleRandom(seed).numpy.randn(6).astype(np.float32)
        x += self.noise * draw
        # What a careless transform does: draw from the global generators.
        draws = random.random() + np.random.rand() + float(torch.rand(()))
        x += np.float32(self.global_noise * draws)
        if index == self.bad:
            x[:] = np.nan
        return {
            "inputs": torch.from_numpy(x),
            "targets": torch.from_numpy(self.inputs[index][:2] ** 2),
            "sample_id": f"03/{index:03d}",
        }


@MODELS.register_module()
class ToyModel(BaseReconstructor):
    """Linear layers with a batch norm, and dropout where wanted."""

    def __init__(self, width: int = 8, *, dropout: float = 0.0, norm: bool = True):
        super().__init__()
        self.backbone = nn.Linear(6, width)
        self.norm = nn.BatchNorm1d(width) if norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, 2)

    def outputs(self, batch):
        x = self.norm(self.backbone(batch["inputs"]))
        return self.head(self.dropout(torch.tanh(x)))

    def loss(self, batch):
        errors = (self.outputs(batch) - batch["targets"]).square()
        return {"loss_toy": errors.mean()}

    def predict(self, batch):
        return self.outputs(batch)


@METRICS.register_module()
class ToyMetric(BaseMetric):
    """A score that grows as the error falls; draws numbers as careless code does."""

    default_prefix = "voxel"

    def __init__(self, protocol: dict | None = None):
        super().__init__(collect_device="cpu", prefix="voxel")
        self.protocol = protocol

    def process(self, data_batch, data_samples):
        random.random(), np.random.rand(), torch.rand(())
        for output, target in zip(data_samples, data_batch["targets"], strict=True):
            self.results.append(float((output.cpu() - target).square().mean()))

    def compute_metrics(self, results):
        assert self.protocol["split"] == "toy"
        return {"iou_max": 1.0 / (1.0 + float(np.mean(results)))}


@HOOKS.register_module()
class ToyTrace(Hook):
    """Appends every iteration's loss to a file, and can send this process a signal."""

    priority = "LOWEST"

    def __init__(
        self,
        path: str = "",
        *,
        signal_at: int = -1,
        signal_number: int = signal.SIGINT,
        signal_rank: int = 0,
        signal_in_validation: bool = False,
        delay: float = 0.0,
    ):
        self.path, self.delay = path, delay
        self.signal_at, self.signal_number = signal_at, signal_number
        self.signal_rank = signal_rank
        self.in_validation = signal_in_validation

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        time.sleep(self.delay)
        if self.path and runner.rank == 0:
            loss = float(outputs["loss"].detach())
            with open(self.path, "a") as file:
                file.write(f"{runner.iter} {loss!r}\n")
        if runner.iter == self.signal_at and not self.in_validation:
            self._send(runner)

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if self.in_validation and runner.iter == self.signal_at:
            self._send(runner)

    def before_train(self, runner):
        if self.path:
            Path(self.path).touch()

    def _send(self, runner):
        if runner.rank == self.signal_rank:
            os.kill(os.getpid(), self.signal_number)
