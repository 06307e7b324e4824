# SPDX-License-Identifier: Apache-2.0
"""Weights of AtlasNet become checkpoints that other commands take alone."""

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS, DefaultScope

from svr3d.converters.atlasnet import restore_atlasnet_names
from svr3d.engine.checkpoint import load_model
from svr3d.engine.config import load_config

# Network -> config, small changes to it, input.
SMALL = {"model.backbone.out_features": 16, "model.head.hidden_features": 8}
ATLASNET = SMALL | {"model.head.features": 16, "model.head.num_points": 100}
CODED = SMALL | {"model.head.code_features": 16, "model.head.num_points": 100}
NETWORKS = {
    "single view": ("svr_square25", ATLASNET),
    "autoencoder": ("autoencoder_sphere", ATLASNET),
    "FoldNet": ("foldnet_object", CODED),
    "PSGN": ("psgn_object", CODED),
}


def build(name):
    config, options = NETWORKS[name]
    cfg = load_config(f"atlasnet/{config}.py", options, verbose=False)
    with DefaultScope.overwrite_default_scope("svr3d"):
        model = MODELS.build(cfg.model)
    for key, value in model.state_dict().items():
        if value.is_floating_point() and not key.endswith("running_var"):
            value += 0.02 * torch.randn_like(value)
    return f"atlasnet/{config}.py", options, model.eval()


def published(model, prefix=""):
    """The state as the programs write it."""
    state = restore_atlasnet_names(model.state_dict())
    return {prefix + name: value.clone() for name, value in state.items()}


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_convert_and_predict_alone(svr3d, tmp_path, name):
    config, options, model = build(name)
    state = published(model, "module." if name == "single view" else "")
    content = state
    if name == "PSGN":
        content = {"model_state_dict": state, "epoch": 3, "loss": np.float64(0.1)}
    torch.save(content, tmp_path / "in.pth")
    changes = [f"{key}={value}" for key, value in options.items()]
    code, lines, errors = svr3d(
        "convert-atlasnet",
        "in.pth",
        "out.pth",
        *("--config", config, "--cfg-options", *changes),
    )
    assert (code, lines[-1]) == (0, "out.pth"), errors
    converted, _, meta = load_model(tmp_path / "out.pth")
    assert meta["converted_from"]["file"] == "in.pth"
    batch = {
        "images": torch.rand(2, 1, 3, 64, 64),
        "input_points": torch.rand(2, 50, 3),
    }
    with torch.no_grad():
        expected, found = (m.outputs(batch)["points"] for m in (model, converted))
    assert torch.equal(found, expected) and expected.std() > 1e-4


def test_config_follows_from_the_tensors(svr3d, tmp_path):
    cfg = load_config("atlasnet/svr_sphere.py", verbose=False)
    with DefaultScope.overwrite_default_scope("svr3d"):
        model = MODELS.build(cfg.model)
    torch.save(published(model, "module."), tmp_path / "in.pth")
    code, lines, errors = svr3d("convert-atlasnet", "in.pth", "out.pth")
    assert (code, lines[-1]) == (0, "out.pth"), errors
    _, cfg, _ = load_model(tmp_path / "out.pth")
    assert cfg.model.head.template.type.endswith("SphereTemplate")
    assert "12,762,691 parameters" in "\n".join(lines)


def test_weights_that_do_not_fit(svr3d, tmp_path):
    config, options, model = build("PSGN")
    state = published(model)
    state["decoder.fc4.bias"] = torch.zeros(2)
    torch.save(state, tmp_path / "in.pth")
    changes = [f"{key}={value}" for key, value in options.items()]
    code, _, errors = svr3d(
        "convert-atlasnet",
        "in.pth",
        "out.pth",
        *("--config", config, "--cfg-options", *changes),
    )
    assert code == 2 and "decoder.fc4.bias: expected shape (300,)" in errors
    torch.save({"weights": state}, tmp_path / "in.pth")
    code, _, errors = svr3d("convert-atlasnet", "in.pth", "out.pth")
    assert code == 2 and "'model_state_dict'" in errors
    assert not (tmp_path / "out.pth").exists()
