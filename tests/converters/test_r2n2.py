# SPDX-License-Identifier: Apache-2.0
"""The key map of published Res3D-GRU-3 checkpoints."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS

from svr3d.converters.r2n2 import (
    convert_paddle_res3dgru,
    paddle_key_map,
    restore_paddle_names,
)
from svr3d.errors import CheckpointError


@pytest.fixture(scope="module")
def model(repository):
    path = repository / "configs/r2n2/res3dgru_shapenet.py"
    return MODELS.build(Config.fromfile(path).model)


@pytest.fixture
def published(model):
    """The model's own tensors under their published names."""
    return {
        name: tensor.clone()
        for name, tensor in restore_paddle_names(model.state_dict()).items()
    }


def test_published_model_has_the_published_number_of_parameters(model):
    assert sum(p.numel() for p in model.parameters()) == 35_125_697


def test_map_covers_every_tensor_once(model):
    covered = {name: torch.zeros(t.shape) for name, t in model.state_dict().items()}
    for ours, index, _ in paddle_key_map().values():
        covered[ours][index if index else ...] += 1
    for name, count in covered.items():
        expected = 0 if name.endswith("num_batches_tracked") else 1
        assert torch.all(count == expected), name


def test_names_are_those_of_the_recorded_state(golden, golden_dir):
    state = golden.state_dict(golden_dir / "r2n2" / "paddle_eval_2view")
    assert set(state) == set(paddle_key_map())


def test_conversion_and_its_inverse(model, published):
    changed = {name: tensor + 1 for name, tensor in published.items()}
    state = convert_paddle_res3dgru(changed, model.state_dict())
    assert state.keys() == model.state_dict().keys()
    back = restore_paddle_names(state)
    for name, tensor in changed.items():
        torch.testing.assert_close(back[name], tensor, rtol=0, atol=0)


def test_missing_tensor_is_named(model, published):
    del published["encoder.fcs.bias"]
    with pytest.raises(CheckpointError, match=r"1 tensors missing: encoder\.fcs\.bias"):
        convert_paddle_res3dgru(published, model.state_dict())


def test_foreign_tensor_is_named(model, published):
    published["discriminator.weight"] = np.zeros(3)
    with pytest.raises(CheckpointError, match="discriminator"):
        convert_paddle_res3dgru(published, model.state_dict())


def test_wrong_shape_is_named(model, published):
    # As Paddle stores it: (in, out).
    weight = published["encoder.gru3d_u.fc.weight"]
    published["encoder.gru3d_u.fc.weight"] = weight.T
    with pytest.raises(CheckpointError, match=r"gru3d_u\.fc\.weight: expected shape"):
        convert_paddle_res3dgru(published, model.state_dict())
