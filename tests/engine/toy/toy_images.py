# SPDX-License-Identifier: Apache-2.0
"""A data set of small random images with voxels, for tiny reconstructors."""

import numpy as np
import torch
from torch.utils.data import Dataset

from svr3d.registry import DATASETS


@DATASETS.register_module()
class ToyImages(Dataset):
    """Objects that are boxes, with views whose brightness tells their height."""

    def __init__(self, size: int = 8, *, views: int = 2):
        self.size, self.views = size, views
        self.metainfo = {"categories": ["box"], "taxonomy_ids": ["07"]}

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        index = int(getattr(index, "index", index))
        generator = np.random.RandomState(index)
        height = 2 + index % 6
        images = generator.rand(self.views, 3, 16, 16) * 0.2 + 0.1 * height
        voxels = np.zeros((8, 8, 8), np.uint8)
        voxels[2:6, :height, 2:6] = 1
        return {
            "images": torch.from_numpy(images.astype(np.float32)),
            "voxels": torch.from_numpy(voxels),
            "category": 0,
            "sample_id": f"07/{index:03d}",
        }
