# SPDX-License-Identifier: Apache-2.0
"""Weights of occupancy networks become checkpoints that other commands take alone."""

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS, DefaultScope

from svr3d.converters.occnet import restore_occnet_names
from svr3d.engine.checkpoint import load_model
from svr3d.engine.config import load_config

CONFIG = "occnet/onet_img.py"


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    cfg = load_config(CONFIG, verbose=False)
    with DefaultScope.overwrite_default_scope("svr3d"):
        model = MODELS.build(cfg.model)
    for name, value in model.state_dict().items():
        if value.is_floating_point() and not name.endswith("running_var"):
            value += 0.02 * torch.randn_like(value)
    return model.eval()


def published(model, spelling, prefix):
    """The state as the programs write it: layers over points are convolutions."""
    state = {}
    for name, value in restore_occnet_names(model.state_dict(), spelling).items():
        linear = name.partition(".")[2].startswith("fc_z")
        if spelling != "official":
            linear |= "gamma" in name or "beta" in name
        if name.startswith("decoder.") and value.dim() == 2 and not linear:
            value = value.unsqueeze(-1)
        state[prefix + name] = value.clone()
    return state


FILES = {
    "official": ("official", "official", "", "model"),
    "several GPUs": ("official", "official", "module.", "model"),
    "legacy": ("official", "legacy", "", "model"),
    "lightning": ("lightning", "lightning_cbn", "net.", "state_dict"),
}


@pytest.mark.parametrize("kind", FILES)
def test_weights_convert_and_predict_alone(svr3d, tmp_path, model, kind):
    program, spelling, prefix, key = FILES[kind]
    content = {
        key: published(model, spelling, prefix),
        "optimizer": {"state": {}, "param_groups": []},
        "it": 2_886_000,
        "loss_val_best": np.float64(0.571),
    }
    torch.save(content, tmp_path / "in.pt")
    code, lines, errors = svr3d(
        "convert-occnet", "in.pt", "out.pth", "--format", program
    )
    assert (code, lines[-1]) == (0, "out.pth"), errors
    assert not torch.serialization.get_unsafe_globals_in_checkpoint(
        tmp_path / "out.pth"
    )
    converted, cfg, meta = load_model(tmp_path / "out.pth")
    assert meta["converted_from"]["file"] == "in.pt"
    assert cfg.protocol.reference.startswith("Mescheder et al.")
    batch = {"images": torch.rand(1, 1, 3, 64, 64)}
    points = torch.rand(1, 20, 3) - 0.5
    with torch.no_grad():
        expected = model.predict(batch).logits(points)
        found = converted.predict(batch).logits(points)
    assert torch.equal(found, expected) and expected.std() > 1e-3


def test_weights_that_fit_no_config(svr3d, tmp_path, model):
    state = published(model, "official", "")
    state["decoder.fc_out.bias"] = torch.zeros(2)
    torch.save({"model": state}, tmp_path / "in.pt")
    arguments = ("convert-occnet", "in.pt", "out.pth", "--format", "official")
    code, _, errors = svr3d(*arguments)
    assert code == 2 and "configs in occnet/" in errors and "--config" in errors
    code, _, errors = svr3d(*arguments, "--config", CONFIG)
    assert code == 2 and "decoder.fc_out.bias: expected shape (1,)" in errors
    assert not (tmp_path / "out.pth").exists()
