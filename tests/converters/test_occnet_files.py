# SPDX-License-Identifier: Apache-2.0
"""Files of Occupancy Networks' programs: what is read, what is refused."""

import argparse
import os
import sys
import types

import numpy as np
import pytest
import torch

from svr3d.converters.occnet_files import read_occnet, read_occnet_lightning
from svr3d.errors import CheckpointError

STATE = {
    "encoder.fc.weight": torch.rand(3, 2),
    "decoder.fc_p.weight": torch.rand(3, 2, 1),
    "decoder.bn.bn.num_batches_tracked": torch.tensor(7),
}


def same(found):
    assert list(found) == list(STATE)
    assert all(torch.equal(found[name], value) for name, value in STATE.items())


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("zipped", [True, False])
def test_file_of_the_authors_program(tmp_path, prefix, zipped):
    path = tmp_path / "model_best.pt"
    content = {
        "model": {prefix + name: value for name, value in STATE.items()},
        "optimizer": {"state": {0: {"step": 5}}, "param_groups": []},
        "epoch_it": 3,
        "it": 1000,
        "loss_val_best": np.float64(0.571),
    }
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    same(read_occnet(path))
    torch.save(content["model"], path, _use_new_zipfile_serialization=zipped)
    same(read_occnet(path))


@pytest.fixture
def lightning(monkeypatch):
    """A package with the classes that Lightning's checkpoints name."""
    calls = []

    class ModelCheckpoint:
        def __setstate__(self, state):
            calls.append(state)

    class AttributeDict(dict):
        pass

    package = types.ModuleType("pytorch_lightning")
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "pytorch_lightning", package)
    for part in (ModelCheckpoint, AttributeDict):
        part.__qualname__ = part.__name__
        part.__module__ = f"pytorch_lightning.{part.__name__.lower()}"
        module = types.ModuleType(part.__module__)
        setattr(module, part.__name__, part)
        monkeypatch.setitem(sys.modules, part.__module__, module)
    return ModelCheckpoint, AttributeDict, calls


def lightning_content(lightning):
    model_checkpoint, attributes, _ = lightning
    state = {f"net.{name}": value for name, value in STATE.items()}
    # The module holds encoder and decoder by themselves too.
    state["encoder_model.fc.weight"] = STATE["encoder.fc.weight"]
    state["decoder_model.fc_p.weight"] = STATE["decoder.fc_p.weight"]
    one = model_checkpoint()
    one.best = 3
    return {
        "epoch": 12,
        "pytorch-lightning_version": "1.2.8",
        "callbacks": {model_checkpoint: {"monitor": "val_loss", "self": one}},
        "hyper_parameters": attributes(c_dim=128, args=argparse.Namespace(hdim=128)),
        "optimizer_states": [{"state": {}, "param_groups": []}],
        "state_dict": state,
    }


def test_file_of_the_lightning_program(tmp_path, lightning):
    path = tmp_path / "epoch=12-step=6240.ckpt"
    torch.save(lightning_content(lightning), path)
    same(read_occnet_lightning(path))
    # Nothing of that package was run, nor is it needed.
    assert lightning[-1] == []
    for name in [n for n in sys.modules if n.startswith("pytorch_lightning")]:
        del sys.modules[name]
    same(read_occnet_lightning(path))
    with pytest.raises(CheckpointError, match="refused.*pytorch_lightning"):
        read_occnet(path)


class Attack:
    def __reduce__(self):
        return os.system, ("touch attacked",)


@pytest.mark.parametrize("read", [read_occnet, read_occnet_lightning])
def test_pickled_code_is_refused_and_not_run(tmp_path, monkeypatch, read, lightning):
    monkeypatch.chdir(tmp_path)
    # Hidden in the state of an object that is read as an empty one, too.
    one = lightning[0]()
    one.best = Attack()
    for zipped in (True, False):
        for content in (
            {"model": STATE, "state_dict": STATE, "loss_val_best": Attack()},
            {"model": STATE, "state_dict": STATE, "callbacks": one},
        ):
            torch.save(content, "bad.pt", _use_new_zipfile_serialization=zipped)
            with pytest.raises(CheckpointError, match="refused"):
                read("bad.pt")
    assert not (tmp_path / "attacked").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1], "found a list"),
        ({"it": 3, "epoch_it": 1}, "under 'model'; found 'it', 'epoch_it'"),
        ({"model": {}}, "tensors of a decoder.* found nothing"),
        ({"model": {"features.a": torch.rand(1)}}, "a decoder .*found features.a"),
        ({"model": {"decoder.a": 3}}, "under 'model'; found 'model'"),
    ],
)
def test_other_files_are_named(tmp_path, content, message):
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=message):
        read_occnet(tmp_path / "a.pt")
