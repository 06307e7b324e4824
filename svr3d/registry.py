# SPDX-License-Identifier: Apache-2.0
"""The five registries of svr3d."""

from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import Registry

DATASETS = Registry(
    "dataset", parent=MMENGINE_DATASETS, scope="svr3d", locations=["svr3d.datasets"]
)
BACKBONES = Registry("backbone", scope="svr3d", locations=["svr3d.models.backbones"])
HEADS = Registry("head", scope="svr3d", locations=["svr3d.models.heads"])
LOSSES = Registry("loss", scope="svr3d", locations=["svr3d.models.losses"])
METRICS = Registry(
    "metric", parent=MMENGINE_METRICS, scope="svr3d", locations=["svr3d.metrics"]
)
