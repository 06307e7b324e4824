# SPDX-License-Identifier: Apache-2.0
"""Balls, and a model that knows them but is not sure of itself."""

import math

import torch
from mmengine.registry import MODELS
from torch import nn
from torch.utils.data import Dataset

from svr3d.models.reconstructors.base import BaseReconstructor
from svr3d.registry import DATASETS
from svr3d.structures import OccupancyField, cell_centres

BEST = 0.3


@DATASETS.register_module()
class BallData(Dataset):
    """Balls of growing radius."""

    def __init__(self, size: int = 4):
        self.metainfo = {"categories": ["ball"]}
        self.size = size

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        points = torch.rand(4000, 3, generator=generator) - 0.5
        radius = 0.3 + 0.04 * index
        return {
            "images": torch.full((1, 3, 4, 4), radius),
            "points_iou": points,
            "occupancies_iou": (points.norm(dim=1) < radius).float(),
            "voxels": (cell_centres(32).norm(dim=3) < radius).byte(),
            "category": 0,
            "sample_id": f"ball/{index}",
        }


@MODELS.register_module()
class BallModel(BaseReconstructor):
    """Fields whose level of ``BEST`` is the ball."""

    def __init__(self, form: str = "field"):
        super().__init__()
        self.form = form
        self.shift = nn.Parameter(torch.tensor(math.log(BEST / (1 - BEST))))

    def loss(self, batch):
        return {"loss_ball": self.shift * 0}

    def predict(self, batch):
        def decode(codes, points):
            logits = 40 * (codes[:, None] - points.norm(dim=2)) + self.shift
            return torch.sigmoid(logits)

        field = OccupancyField(batch["images"].mean((1, 2, 3, 4)), decode)
        return field if self.form == "field" else field.to_voxels(32)
