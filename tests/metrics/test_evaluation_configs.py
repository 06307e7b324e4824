# SPDX-License-Identifier: Apache-2.0
"""The evaluations that configs inherit build, and say what was published."""

import numpy as np
import pytest
from mmengine.config import Config

from svr3d.metrics import MeshDistances, OccupancyLoss, PointDistances, PointIoU
from svr3d.registry import METRICS

FILES = ("atlasnet", "occnet", "occnet_lightning", "onet_img", "what3d")
Metric = PointIoU | MeshDistances | OccupancyLoss | PointDistances


@pytest.fixture
def load(repository):
    def load(name):
        folder = repository / "configs" / "_base_" / "evaluation"
        return Config.fromfile(folder / f"{name}.py", lazy_import=True)

    return load


@pytest.mark.parametrize("name", FILES)
def test_parts_build(load, name):
    config = load(name)
    for key in ("val_evaluator", "test_evaluator"):
        found = config.get(key) or []
        for part in [found] if isinstance(found, dict) else found:
            assert isinstance(METRICS.build(part), Metric)


def test_published_means_are_those_of_the_table(load):
    published = load("onet_img").published
    assert len(published) == 13
    for name, mean in (("iou", 0.593), ("chamfer_l1_x10", 0.194), ("normals", 0.840)):
        found = np.mean([entry[name] for entry in published.values()])
        assert found == pytest.approx(mean, abs=6e-4)
