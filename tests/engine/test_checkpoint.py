# SPDX-License-Identifier: Apache-2.0
"""Checkpoints are written whole, read with care, and tell all about a run."""

import argparse
import os
import pickle

import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch import nn
from toy_config import PROTOCOL, load, toy_dict

from svr3d import __version__
from svr3d.engine.atomic import atomic_file, remove_leftovers, write_text_atomically
from svr3d.engine.checkpoint import (
    find_last_checkpoint,
    load_model,
    load_weights,
    read_checkpoint,
)
from svr3d.engine.config import config_to_text
from svr3d.errors import CheckpointError, ConfigError


class Attack:
    """Runs a command when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_atomic_file_replaces_or_leaves(tmp_path):
    path = tmp_path / "file"
    write_text_atomically(path, "old")
    with pytest.raises(RuntimeError), atomic_file(path) as file:
        file.write(b"half of the n")
        assert path.read_text() == "old"
        raise RuntimeError
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["file"]
    write_text_atomically(path, "new")
    assert path.read_text() == "new" and os.listdir(tmp_path) == ["file"]


def test_leftovers_of_dead_writers_go(tmp_path):
    dead, alive = (
        tmp_path / ".a.pth.999999999.part",
        tmp_path / f".b.{os.getpid()}.part",
    )
    other = tmp_path / ".c.part"
    for path in (dead, alive, other):
        path.touch()
    assert remove_leftovers(tmp_path) == [dead]
    assert alive.exists() and other.exists() and not dead.exists()


def test_pickled_payload_is_refused_and_not_run(tmp_path):
    path, trace = tmp_path / "a.pth", tmp_path / "attacked"
    torch.save({"state_dict": {}, "extra": Attack(trace)}, path)
    with pytest.raises(CheckpointError, match="global posix.system") as caught:
        read_checkpoint(path)
    assert "isolated" in str(caught.value) and str(path) in str(caught.value)
    torch.save({"state_dict": {}, "extra": argparse.Namespace(a=1)}, path)
    with pytest.raises(CheckpointError, match="global argparse.Namespace"):
        read_checkpoint(path)
    path.write_bytes(pickle.dumps({"a": Attack(trace)}, protocol=2))
    with pytest.raises(CheckpointError, match="refused|broken or foreign"):
        read_checkpoint(path)
    assert not trace.exists()


@pytest.mark.parametrize("cut", [1, 22, 600])
def test_truncated_file(tmp_path, cut):
    path = tmp_path / "a.pth"
    torch.save({"state_dict": {"a": torch.rand(300)}}, path)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(CheckpointError, match="truncated"):
        read_checkpoint(path)


def test_other_files(tmp_path):
    path = tmp_path / "a.pth"
    with pytest.raises(CheckpointError, match="no such"):
        read_checkpoint(path)
    with pytest.raises(CheckpointError, match="found a folder"):
        read_checkpoint(tmp_path)
    path.touch()
    with pytest.raises(CheckpointError, match="empty"):
        read_checkpoint(path)
    path.write_text("this is text")
    with pytest.raises(CheckpointError, match="broken or foreign"):
        read_checkpoint(path)
    torch.save([1, 2], path)
    with pytest.raises(CheckpointError, match="found a list"):
        read_checkpoint(path)
    torch.save({"epoch": 3}, path)
    with pytest.raises(CheckpointError, match="'state_dict', found 'epoch'"):
        read_checkpoint(path)
    weights = {"a": torch.rand(2)}
    torch.save(weights, path)  # a bare state dict
    assert torch.equal(read_checkpoint(path)["state_dict"]["a"], weights["a"])


def test_weights_of_another_model_are_listed():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4))
    weights = nn.Sequential(
        nn.Linear(2, 5), nn.Identity(), nn.Linear(3, 4)
    ).state_dict()
    with pytest.raises(CheckpointError) as caught:
        load_weights(model, weights, source="a.pth")
    text = str(caught.value)
    assert text.startswith("a.pth: expected the weights of this Sequential")
    assert "2 missing: 1.weight, 1.bias" in text and "2 unexpected: 2.weight" in text
    assert "0.weight (expected (3, 2), found (5, 2))" in text
    wrapped = {f"module.{key}": value for key, value in model.state_dict().items()}
    load_weights(model, wrapped, source="a.pth")


def test_checkpoint_tells_all(train_toy):
    folder = train_toy("run")
    checkpoint = load(folder)
    meta = checkpoint["meta"]
    assert meta["protocol"] == PROTOCOL and meta["svr3d_version"] == __version__
    assert meta["dataset_meta"]["categories"] == ["chair", "table"]
    assert meta["torch_version"] == torch.__version__ and meta["seed"] == 3
    assert (meta["epoch"], meta["iter"]) == (4, 12)
    process = checkpoint["run_state"]["processes"][0]
    assert set(process["random_state"]) >= {"python", "numpy", "torch"}
    assert checkpoint["run_state"]["data"] == {"samples": 10, "batches_per_epoch": 3}
    path = folder / "epoch_4.pth"
    assert not torch.serialization.get_unsafe_globals_in_checkpoint(path)
    losses = checkpoint["message_hub"]["log_scalars"]["train/loss"]
    assert len(losses["__history_buffer__"][0]) == 12


def test_model_from_a_checkpoint_alone(train_toy, toy):
    folder = train_toy("run")
    model, cfg, meta = load_model(folder / "epoch_4.pth")
    assert isinstance(model, toy.ToyModel) and not model.training
    weights = load(folder)["state_dict"]
    assert all(torch.equal(model.state_dict()[key], weights[key]) for key in weights)
    assert cfg.protocol.split == "toy" and meta["epoch"] == 4


def test_config_in_a_checkpoint_runs_no_code(tmp_path, toy):
    path, trace = tmp_path / "a.pth", tmp_path / "attacked"
    for text, error in (
        (f"__import__('os').system('touch {trace}')", "expected only NAME = VALUE"),
        (f"model = dict(type='os.system', command='touch {trace}')", "is no part"),
        (f"model = open('{trace}', 'w')", "expected a literal"),
    ):
        torch.save({"state_dict": {}, "meta": {"cfg": text}}, path)
        with pytest.raises(ConfigError, match=error):
            load_model(path)
    assert not trace.exists()
    torch.save({"state_dict": {}}, path)
    with pytest.raises(CheckpointError, match="stores its config"):
        load_model(path)
    text = config_to_text(Config(toy_dict(model__width=9)))
    weights = toy.ToyModel().state_dict()
    torch.save({"state_dict": weights, "meta": {"cfg": text}}, path)
    with pytest.raises(CheckpointError, match="of another shape"):
        load_model(path)


def test_last_checkpoint_is_found(tmp_path):
    assert find_last_checkpoint(tmp_path) is None
    torch.save({"state_dict": {}, "optimizer": {}}, tmp_path / "epoch_1.pth")
    torch.save({"state_dict": {}}, tmp_path / "best_epoch_1.pth")
    (tmp_path / "epoch_2.pth").write_bytes(b"PK\x03\x04broken")
    for number, name in enumerate(("epoch_1", "best_epoch_1", "epoch_2")):
        os.utime(tmp_path / f"{name}.pth", (number, number))
    assert find_last_checkpoint(tmp_path) == tmp_path / "epoch_1.pth"
    (tmp_path / "last_checkpoint").write_text("/moved/epoch_2.pth")
    assert find_last_checkpoint(tmp_path) == tmp_path / "epoch_2.pth"
    (tmp_path / "last_checkpoint").write_text("")
    assert find_last_checkpoint(tmp_path) == tmp_path / "epoch_1.pth"


def test_numpy_in_the_optimiser_or_metainfo_becomes_builtin(
    train_toy, monkeypatch, toy
):
    meta = {**toy.ToyData.METAINFO, "mean": np.float64(1.5), "ids": np.arange(3)}
    monkeypatch.setattr(toy.ToyData, "METAINFO", meta)
    stored = load(train_toy("run"))["meta"]["dataset_meta"]
    assert stored["mean"] == 1.5 and stored["ids"].tolist() == [0, 1, 2]
