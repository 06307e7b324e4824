# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from svr3d.converters.paddle_names import paddle_to_torch_names
from svr3d.errors import CheckpointError

ALIASES = {r"layer(\d)_sc\.(.+)": r"layer\1.shortcut.\2"}


def test_names_and_layouts():
    matrix = np.arange(6.0).reshape(2, 3)
    state = {
        "gru.fc.weight": matrix,
        "gru.fc.bias": np.ones(3),
        "gru.bn1.running_mean_4": np.zeros(2),
        "gru.bn1.running_var_10": np.ones(2),
        "layer2.shortcut.1._mean": np.ones(2),
        "layer2.shortcut.1._variance": np.ones(2),
        "layer2.shortcut.0.weight": np.ones((4, 3, 1, 1)),
        "layer2_sc.0.weight": np.ones((4, 3, 1, 1)),
        "layer2_sc.1._mean": np.ones(2),
    }
    found = paddle_to_torch_names(state, linear=(".fc.weight",), aliases=ALIASES)
    assert list(found) == [
        "gru.fc.weight",
        "gru.fc.bias",
        "gru.bn1.4.running_mean",
        "gru.bn1.10.running_var",
        "layer2.shortcut.1.running_mean",
        "layer2.shortcut.1.running_var",
        "layer2.shortcut.0.weight",
    ]
    np.testing.assert_array_equal(found["gru.fc.weight"], matrix.T)


@pytest.mark.parametrize(
    "state",
    [
        {"layer3_sc.0.weight": np.ones(2)},
        {"layer3_sc.0.weight": np.ones(2), "layer3.shortcut.0.weight": np.zeros(2)},
    ],
)
def test_aliases_must_be_the_same_layer(state):
    with pytest.raises(CheckpointError, match="layer3.shortcut.0.weight"):
        paddle_to_torch_names(state, linear=(), aliases=ALIASES)
