# SPDX-License-Identifier: Apache-2.0
"""Weights of the Theano program: their order, layouts and flips."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from scipy import signal

from svr3d.converters.r2n2_theano import (
    convert_theano,
    theano_key_map,
    to_theano_arrays,
)
from svr3d.errors import CheckpointError

CONFIGS = {"gru": "gru_shapenet", "resgru": "resgru_theano_shapenet"}
ARRAYS = {"gru": 33, "resgru": 63}
NARROW = dict(
    backbone=dict(widths=(2, 3, 4, 4, 4, 4), image_size=32, out_features=6),
    fusion=dict(in_features=6, channels=4, grid_size=2),
    head=dict(widths=(4, 4, 4, 3, 2), grid_size=2),
)


def build(network, repository):
    config = Config.fromfile(repository / f"configs/r2n2/{CONFIGS[network]}.py")
    config.model.merge(NARROW)
    return MODELS.build(config.model).eval()


@pytest.fixture(params=CONFIGS)
def network(request):
    return request.param


@pytest.fixture
def model(network, repository):
    return build(network, repository)


def test_round_trip_keeps_the_outputs(network, model, repository):
    arrays = to_theano_arrays(network, model.state_dict())
    assert len(arrays) == ARRAYS[network]
    other = build(network, repository)
    images = {"images": torch.rand(2, 3, 3, 32, 32)}
    with torch.no_grad():
        expected = model.outputs(images)["logits"]
        assert not torch.allclose(other.outputs(images)["logits"], expected)
        other.load_state_dict(convert_theano(network, arrays, other.state_dict()))
        torch.testing.assert_close(
            other.outputs(images)["logits"], expected, rtol=0, atol=0
        )


def test_map_covers_every_tensor_once(network, model):
    target = model.state_dict()
    covered = {name: torch.zeros(t.shape) for name, t in target.items()}
    for ours, index, _ in theano_key_map(network, channels=4, cells=8).values():
        covered[ours][index if index else ...] += 1
    for name, count in covered.items():
        assert torch.all(count == 1), name


def test_order_and_shapes_of_the_published_arrays(repository):
    """The construction order of models/res_gru_net.py, at full width."""
    config = Config.fromfile(repository / "configs/r2n2/resgru_theano_shapenet.py")
    state = MODELS.build(config.model).state_dict()
    shapes = [array.shape for array in to_theano_arrays("resgru", state)]
    assert shapes[:6] == [
        (96, 3, 7, 7),
        (96,),
        (96, 96, 3, 3),
        (96,),
        (128, 96, 3, 3),
        (128,),
    ]
    assert shapes[8:10] == [(128, 96, 1, 1), (128,)]
    assert shapes[30:32] == [(2304, 1024), (1024,)]
    gate = [(128, 3, 128, 3, 3), (1024, 8192), (128,)]
    assert shapes[32:41] == gate * 3
    assert shapes[41:43] == [(128, 3, 128, 3, 3), (128,)]
    assert shapes[53:55] == [(64, 1, 128, 1, 1), (64,)]
    assert shapes[-2:] == [(2, 3, 32, 3, 3), (2,)]


def test_layouts_mean_what_the_program_computes(network, model):
    """Convolutions by scipy, which flips kernels as Theano does."""
    names = list(theano_key_map(network, channels=4, cells=8))
    saved = dict(zip(names, to_theano_arrays(network, model.state_dict()), strict=True))
    rng = np.random.default_rng(0)
    letter = "" if network == "gru" else "a"

    image = rng.normal(size=(3, 9, 9)).astype(np.float32)
    kernel, bias = saved[f"conv1{letter}.W"], saved[f"conv1{letter}.b"]
    expected = [
        sum(signal.convolve(x, k, "same") for x, k in zip(image, kernels, strict=True))
        for kernels in kernel
    ]
    expected = np.stack(expected) + bias[:, None, None]
    with torch.no_grad():
        ours = model.backbone.stages[0].path[0](torch.from_numpy(image)[None])[0]
    np.testing.assert_allclose(ours, expected, atol=1e-5)

    # Block 4 of the decoder reads its grid as it is; channels stand second here.
    volume = rng.normal(size=(5, 3, 5, 5)).astype(np.float32)
    kernel, bias = saved[f"conv10{letter}.W"], saved[f"conv10{letter}.b"]
    expected = [
        sum(
            signal.convolve(volume[:, channel], kernels[:, channel], "same")
            for channel in range(3)
        )
        for kernels in kernel
    ]
    expected = np.stack(expected) + bias[:, None, None, None]
    ours = model.head.blocks[3].path[0]
    with torch.no_grad():
        value = ours(torch.from_numpy(volume).transpose(0, 1)[None])[0]
    np.testing.assert_allclose(value, expected, atol=1e-5)

    vector = rng.normal(size=(1, 6)).astype(np.float32)
    with torch.no_grad():
        inputs = model.fusion._inputs(torch.from_numpy(vector)[:, None])[0, 0]
    for gate, name in enumerate(("t_x_s_update", "t_x_s_reset", "t_x_rs")):
        grid = (vector @ saved[f"{name}.Wx"]).reshape(2, 4, 2, 2).swapaxes(0, 1)
        expected = grid + saved[f"{name}.b"][:, None, None, None]
        part = inputs[4 * gate : 4 * gate + 4]
        np.testing.assert_allclose(part, expected, atol=1e-5)


def test_problems_are_named(network, model):
    target = model.state_dict()
    arrays = to_theano_arrays(network, target)
    with pytest.raises(CheckpointError, match=f"expected {ARRAYS[network]} arrays"):
        convert_theano(network, arrays[:-1], target)
    arrays[2], arrays[3] = arrays[3], arrays[2]
    with pytest.raises(CheckpointError, match=r"W: expected shape \(.*found \("):
        convert_theano(network, arrays, target)
    with pytest.raises(ValueError, match="gru, resgru"):
        convert_theano("resgru_bn", arrays, target)
