# SPDX-License-Identifier: Apache-2.0
"""Published Pix2Vox checkpoints: reading, the key map, what is refused."""

import os

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS, DefaultScope

from svr3d.converters.pix2vox import (
    convert_pix2vox,
    pix2vox_key_map,
    published_state,
    read_pix2vox,
    restore_pix2vox_names,
)
from svr3d.engine.config import load_config
from svr3d.errors import CheckpointError

NARROW = {
    "f": {},
    "a": {
        "model.backbone.widths": "(16, 16, 256)",
        "model.head.widths": "(2048, 8, 8, 8, 8)",
        "model.refiner.widths": "(2, 4, 8)",
        "model.refiner.hidden_features": "16",
    },
}


def build(variant):
    path = f"pix2vox/pix2vox_{variant}_shapenet.py"
    cfg = load_config(path, NARROW[variant], verbose=False)
    with DefaultScope.overwrite_default_scope("svr3d"):
        return MODELS.build(cfg.model)


def published(model, *, prefix="", counters=True):
    """A checkpoint as the program writes it."""
    checkpoint = {
        "epoch_idx": 249,
        "best_iou": np.float64(0.661),
        "best_epoch": 240,
    }
    for name, value in restore_pix2vox_names(model.state_dict()).items():
        part, _, rest = name.partition(".")
        state = checkpoint.setdefault(f"{part}_state_dict", {})
        if counters or not rest.endswith("num_batches_tracked"):
            state[prefix + rest] = value.clone()
    checkpoint["encoder_solver_state_dict"] = {"state": {}, "param_groups": []}
    return checkpoint


@pytest.fixture(scope="module", params=["f", "a"])
def model(request):
    torch.manual_seed(0)
    return build(request.param)


def test_names_are_those_of_the_recorded_state(golden, golden_dir):
    for variant in ("f", "a"):
        folder = golden_dir / "pix2vox" / f"pix2vox_{variant}_eval_2view"
        assert set(golden.state_dict(folder)) == set(
            pix2vox_key_map(build(variant).state_dict())
        )


def test_map_covers_every_tensor_once(model):
    covered = [source.name for source in pix2vox_key_map(model.state_dict()).values()]
    stages = {f"{part}._extra_state" for part in ("fusion", "refiner")}
    assert sorted(covered) == sorted(set(model.state_dict()) - stages)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("zipped", [True, False])
def test_file_gives_the_model_back(model, tmp_path, prefix, zipped):
    model.fusion.in_use = False
    path = tmp_path / "Pix2Vox.pth"
    torch.save(
        published(model, prefix=prefix), path, _use_new_zipfile_serialization=zipped
    )
    state = convert_pix2vox(read_pix2vox(path), model.state_dict())
    assert state.keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        if name == "fusion._extra_state":
            assert state[name] and not value  # published weights are fully trained
        else:
            assert torch.equal(state[name], value), name
    model.load_state_dict(state)
    assert model.fusion.in_use


def test_numbers_of_an_older_numpy_are_read(tmp_path):
    content = published(build("f"))
    path = tmp_path / "old.pth"
    torch.save(content, path, _use_new_zipfile_serialization=False)
    old = path.read_bytes().replace(b"numpy._core.multi", b"numpy.core.multi")
    path.write_bytes(old)
    assert b"numpy.core.multiarray\nscalar" in old
    assert len(read_pix2vox(path)) == len(published_state(content, source="it"))


def test_counters_of_batches_may_be_absent(model):
    state = published_state(published(model, counters=False), source="it")
    converted = convert_pix2vox(state, model.state_dict())
    counters = [n for n in converted if n.endswith("num_batches_tracked")]
    assert counters and not any(converted[name] for name in counters)


class Attack:
    def __reduce__(self):
        return os.system, ("touch attacked",)


def test_pickled_code_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({**published(build("f")), "best_iou": Attack()}, "bad.pth")
    with pytest.raises(CheckpointError, match=r"refused.*system"):
        read_pix2vox("bad.pth")
    assert not (tmp_path / "attacked").exists()
    # What is allowed here is not allowed elsewhere.
    torch.save({"best_iou": np.float64(0.5)}, "number.pth")
    with pytest.raises(Exception, match="weights_only|Unsupported|Weights only"):
        torch.load("number.pth", weights_only=True)


def test_what_does_not_fit_is_named(model):
    target = model.state_dict()
    content = published(model)
    state = published_state(content, source="it")
    weight = state.pop("decoder.layer5.0.weight")
    with pytest.raises(CheckpointError, match=r"missing: decoder\.layer5\.0\.weight"):
        convert_pix2vox(state, target)
    with pytest.raises(CheckpointError, match=r"layer5\.0\.weight: expected shape"):
        convert_pix2vox({**state, "decoder.layer5.0.weight": weight[:4]}, target)
    state["decoder.layer5.0.weight"] = weight
    with pytest.raises(CheckpointError, match=r"not part of the model: encoder\.extra"):
        convert_pix2vox({**state, "encoder.extra": weight}, target)
    del content["decoder_state_dict"]
    with pytest.raises(CheckpointError, match="'decoder_state_dict', found .*'epoch"):
        published_state(content, source="it")
    with pytest.raises(CheckpointError, match="found a list"):
        published_state([weight], source="it")


def test_variants_are_not_mistaken_for_one_another():
    state = published_state(published(build("f")), source="it")
    with pytest.raises(CheckpointError, match=r"missing: refiner\.layer1"):
        convert_pix2vox(state, build("a").state_dict())
