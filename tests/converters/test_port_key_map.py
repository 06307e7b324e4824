# SPDX-License-Identifier: Apache-2.0
"""The key maps of checkpoints of 3D-R2N2's PyTorch port."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS

from svr3d.converters.r2n2_port import convert_port, port_key_map, restore_port_names
from svr3d.errors import CheckpointError

CONFIGS = {name: f"{name}_shapenet" for name in ("gru", "resgru", "resgru_bn")}
CASES = {
    "gru": "gru_1view",
    "resgru": "resgru_2view",
    "resgru_bn": "resgru_bn_eval_2view",
}


@pytest.fixture(scope="module", params=CONFIGS)
def network(request):
    return request.param


@pytest.fixture(scope="module")
def target(network, repository):
    """State dict of the network's model."""
    path = repository / f"configs/r2n2/{CONFIGS[network]}.py"
    return MODELS.build(Config.fromfile(path).model).state_dict()


@pytest.fixture
def published(network, target):
    """The model's own tensors under their published names."""
    restored = restore_port_names(network, target)
    return {name: tensor.clone() for name, tensor in restored.items()}


def test_map_covers_every_tensor_once(network, target):
    covered = {name: torch.zeros(t.shape) for name, t in target.items()}
    for ours, index, _ in port_key_map(network).values():
        covered[ours][index if index else ...] += 1
    for name, count in covered.items():
        assert torch.all(count == 1), name


def test_names_and_shapes_are_those_of_the_recorded_state(
    network, published, golden, golden_dir
):
    state = golden.state_dict(golden_dir / "r2n2" / CASES[network])
    recorded = {
        name: value.shape for name, value in state.items() if ".bn10c." not in name
    }
    assert recorded == {name: tuple(t.shape) for name, t in published.items()}


def test_conversion_and_its_inverse(network, target, published):
    changed = {name: tensor + 1 for name, tensor in published.items()}
    state = convert_port(network, changed, target)
    assert state.keys() == target.keys()
    back = restore_port_names(network, state)
    for name, tensor in changed.items():
        torch.testing.assert_close(back[name], tensor, rtol=0, atol=0)


def test_statistics_of_views_go_by_either_name(network, target, published):
    if network != "resgru_bn":
        pytest.skip("a network without norms")
    name = "encoder.t_x_rs.bn2.3.running_var"
    value = published.pop(name) + 2
    published["encoder.t_x_rs.bn2.running_var_3"] = value
    state = convert_port(network, published, target)
    part = state["fusion.candidate_norm.running_var"][3]
    torch.testing.assert_close(part, value, rtol=0, atol=0)


def test_problems_are_named(network, target, published):
    bias = published.pop("encoder.fc7.bias")
    with pytest.raises(CheckpointError, match=r"1 tensors missing: encoder\.fc7\.bias"):
        convert_port(network, published, target)
    published["encoder.fc7.bias"] = bias
    with pytest.raises(CheckpointError, match="not part of the model: extra"):
        convert_port(network, {**published, "extra": np.zeros(2)}, target)
    published["encoder.t_x_rs.bias"] = torch.zeros(128)
    with pytest.raises(CheckpointError, match=r"t_x_rs\.bias: expected shape \(1, 128"):
        convert_port(network, published, target)
    with pytest.raises(ValueError, match="gru, resgru, resgru_bn"):
        port_key_map("lstm")
