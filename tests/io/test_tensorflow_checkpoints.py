# SPDX-License-Identifier: Apache-2.0
"""A checkpoint that TensorFlow wrote, read without it.

``data/small_tensorflow`` is of ``tf.compat.v1.train.Saver`` of TensorFlow 2.16.2: two
scopes of four layers with weights, biases and slots of Adam, and two counters.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from svr3d.errors import CheckpointError
from svr3d.io.tensorflow_checkpoints import read_tensorflow_checkpoint

SMALL = Path(__file__).parent / "data" / "small_tensorflow"
DATA = "small_tensorflow.data-00000-of-00001"
LAYERS = ("Conv2D", "Conv2D_1", "FullyConnected", "FullyConnected_1")


@pytest.mark.parametrize("ending", ["", ".index"])
def test_all_variables(ending):
    found = read_tensorflow_checkpoint(f"{SMALL}{ending}")
    assert len(found) == 26
    for scope in ("recon_net", "pose_net"):
        for number, layer in enumerate(LAYERS):
            shape = (3, 3, 2, 2) if "Conv" in layer else (4, 3)
            expected = np.arange(np.prod(shape)).reshape(shape) + 100 * number
            weight = found[f"{scope}/{layer}/W"]
            assert weight.dtype == np.float32
            np.testing.assert_array_equal(weight, expected)
            assert found[f"{scope}/{layer}/b"].tolist() == [number, -number]
            assert not found[f"{scope}/{layer}/W/Adam"].any()
    assert found["global_step"].dtype == np.int64 and found["global_step"] == 7
    assert found["beta1_power"].dtype == np.float64 and found["beta1_power"] == 0.5


def copy(folder):
    for file in SMALL.parent.glob("small_tensorflow.*"):
        shutil.copy(file, folder)
    return folder / "small_tensorflow.index"


def test_broken_files_are_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"none\.index: expected the index"):
        read_tensorflow_checkpoint(tmp_path / "none")
    index = copy(tmp_path)
    whole = index.read_bytes()
    for broken in (b"", whole[:-9], whole[:60] + whole[80:], bytes(len(whole))):
        index.write_bytes(broken)
        with pytest.raises(CheckpointError, match="small_tensorflow"):
            read_tensorflow_checkpoint(index)
    index.write_bytes(whole)
    data = tmp_path / DATA
    data.write_bytes(data.read_bytes()[:-4])
    with pytest.raises(CheckpointError, match=r"expected \d+ bytes, found"):
        read_tensorflow_checkpoint(index)
    data.unlink()
    with pytest.raises(CheckpointError, match=f"{DATA}: expected it beside"):
        read_tensorflow_checkpoint(index)
