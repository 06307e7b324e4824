# SPDX-License-Identifier: Apache-2.0
"""Ellipsoids of two kinds in images and clouds, and a model that repeats the input."""

import numpy as np
import torch
from mmengine.registry import MODELS
from torch import nn
from torch.utils.data import Dataset

from svr3d.models.reconstructors.base import BaseReconstructor
from svr3d.registry import DATASETS
from svr3d.structures import Mesh, PointCloud, Voxels

KINDS = ((0.2, 0.5, 0.2), (0.5, 0.15, 0.2))


def turn(index):
    """A rotation about the y axis."""
    c, s = np.cos(index), np.sin(index)
    return torch.tensor([[c, 0, s], [0, 1, 0], [-s, 0, c]], dtype=torch.float32)


@DATASETS.register_module()
class EllipsoidData(Dataset):
    """Half of the samples are tall, half are flat; sizes vary a little."""

    def __init__(self, size: int = 12, *, viewer: bool = False, points: bool = True):
        self.size, self.viewer, self.points = size, viewer, points
        self.metainfo = {"categories": ["ellipsoid"], "taxonomy_ids": ["01"]}
        self.sample_ids = [f"01/{index:03d}" for index in range(size)]

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        index = int(getattr(index, "index", index))
        random = np.random.RandomState(index)
        radii = np.array(KINDS[index % 2]) * random.uniform(0.9, 1.1, 3)
        points = random.randn(150, 3)
        points *= radii / np.linalg.norm(points, axis=1, keepdims=True)
        points = torch.from_numpy(points.astype(np.float32))
        images = torch.zeros(1, 3, 16, 16)
        height, width = (round(float(16 * r)) for r in radii[[1, 0]])
        images[:, :, 8 - height : 8 + height, 8 - width : 8 + width] = 0.8
        sample = {"images": images, "sample_id": self.sample_ids[index], "category": 0}
        if self.viewer:
            sample["camera_rotation"] = turn(index)
            points = points @ turn(index).T
        if self.points:
            sample["surface_points"] = points
        sample["input_points"] = points
        return sample


@MODELS.register_module()
class Repeater(BaseReconstructor):
    """Predicts the points that it is given, in one of the representations."""

    def __init__(self, kind: str = "points"):
        super().__init__()
        self.kind = kind
        self.input_key = "input_points"
        self.backbone = nn.Linear(1, 1)

    def loss(self, batch):
        return {"loss": self.backbone.weight.sum()}

    def predict(self, batch):
        clouds = batch["input_points"]
        if self.kind == "points":
            return PointCloud(clouds)
        if self.kind == "mesh":
            return Mesh(clouds, torch.arange(150).view(50, 3))
        voxels = PointCloud(clouds).to_voxels(8)
        voxels.probabilities[0] = 0  # nothing predicted
        return Voxels(voxels.probabilities, 0.5)
