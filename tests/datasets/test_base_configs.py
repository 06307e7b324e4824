# SPDX-License-Identifier: Apache-2.0
"""The shipped data configs on a small data set of the same layout."""

import pytest
from mmengine.registry import init_default_scope
from torch.utils.data import default_collate

from svr3d.engine.config import load_config
from svr3d.registry import DATASETS


@pytest.mark.parametrize("name", ["shapenet_r2n2", "synthetic_r2n2"])
@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_configs_build_their_data(repository, tree, name, part):
    init_default_scope("svr3d")
    path = repository / "configs/_base_/datasets" / f"{name}.py"
    cfg = load_config(path, {"data_root": str(tree)}, verbose=False)
    loader = cfg[f"{part}_dataloader"]
    assert loader["collate_fn"] == dict(type="default_collate")
    dataset = DATASETS.build(loader["dataset"])
    assert dataset.metainfo["split"] == part
    batch = default_collate(list(dataset))
    assert batch["images"].shape[1:] == (5, 3, 127, 127)
    selection = "random" if part == "train" else "first"
    assert dataset.view_selection == selection


@pytest.mark.parametrize("name", ["occnet", "occnet_augmented"])
@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_occnet_configs_build_their_data(repository, occnet_tree, name, part):
    init_default_scope("svr3d")
    path = repository / "configs/_base_/datasets" / f"{name}.py"
    cfg = load_config(path, {"data_root": str(occnet_tree)}, verbose=False)
    dataset = DATASETS.build(cfg[f"{part}_dataloader"]["dataset"])
    assert dataset.metainfo["split"] == part
    batch = default_collate(list(dataset))
    assert batch["images"].shape[1:] == (1, 3, 224, 224)
    assert batch["points"].shape[1:] == (2048, 3)
    assert ("points_iou" in batch) == (part != "train") == ("voxels" in batch)
    assert ("surface_points" in batch) == (part == "test")
