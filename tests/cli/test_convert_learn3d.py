# SPDX-License-Identifier: Apache-2.0
"""Weights of learn3D become checkpoints that other commands take alone."""

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS, DefaultScope

from svr3d.converters.learn3d import restore_learn3d_names
from svr3d.engine.checkpoint import load_model
from svr3d.engine.config import load_config
from svr3d.geometry.template_meshes import icosphere
from svr3d.io.plain_obj import write_plain_obj
from svr3d.models.layers.data_width import open_widths

SMALL = {
    "model.backbone.out_features": 6,
    "model.head.code_features": 6,
    "model.head.subdivisions": 1,
    "model.head.hidden_features": [5, 9],
}
PLAIN = SMALL | {
    "model.backbone.widths": [2, 4],
    "model.backbone.hidden_features": [5, 7],
}
CLASSIFIER = {"model.adversary.classifier.in_features": 6}
CRITIC = {"model.adversary.discriminator.widths": [2, 3, 4, 5]}
# Config -> small changes to it.
NETWORKS = {"ae": PLAIN, "featgan": PLAIN | CLASSIFIER, "vpl": PLAIN | CRITIC}


def write_run(folder, name):
    """The files of a small network, and the network."""
    cfg = load_config(f"learn3d/{name}_cvpr18.py", NETWORKS[name], verbose=False)
    with DefaultScope.overwrite_default_scope("svr3d"):
        model = MODELS.build(cfg.model)
    for part in open_widths(model).values():
        part.settle(24)
    vertices, faces = icosphere(1, project_each=True)
    order = np.random.default_rng(0).permutation(len(vertices))
    write_plain_obj(
        folder / "sphere.obj",
        vertices[order] * [1, 1, -1],
        np.argsort(order)[faces][:, ::-1],
    )
    template = vertices[order] * [1, 1, -1]
    state = restore_learn3d_names(model.state_dict(), template)
    for network in sorted({key[0] for key in state}):
        own = {k[2:]: v.clone() for k, v in state.items() if k[0] == network}
        torch.save(own, folder / f"last-{network}.ckpt")
    return model.eval()


def convert(svr3d, name):
    changes = [f"{key}={value}" for key, value in NETWORKS[name].items()]
    files = ("last-E.ckpt", "out.pth", "--template", "sphere.obj")
    return svr3d("convert-learn3d", *files, "--cfg-options", *changes)


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_convert_and_predict_alone(svr3d, tmp_path, name):
    model = write_run(tmp_path, name)
    code, lines, errors = convert(svr3d, name)
    assert (code, lines[-1]) == (0, "out.pth"), errors
    converted, cfg, meta = load_model(tmp_path / "out.pth")
    assert meta["converted_from"]["file"] == "last-E.ckpt"
    assert ("adversary" in cfg.model) == (name != "ae")
    for key, value in model.state_dict().items():
        assert torch.equal(converted.state_dict()[key], value), key
    batch = {"images": torch.rand(2, 1, 3, 64, 64), "masks": torch.ones(2, 1, 64, 64)}
    with torch.no_grad():
        found, expected = (m.predict(batch) for m in (converted, model))
    assert torch.equal(found.vertices[1], expected.vertices[1])
    assert found.vertices[0].shape == (42, 3)


def test_what_is_missing_is_named(svr3d, tmp_path):
    write_run(tmp_path, "ae")
    code, _, errors = svr3d("convert-learn3d", "last-E.ckpt", "out.pth")
    assert code == 2 and "sphere_642.obj" in errors
    (tmp_path / "last-G.ckpt").unlink()
    code, _, errors = convert(svr3d, "ae")
    assert code == 2 and "last-G.ckpt" in errors
    assert not (tmp_path / "out.pth").exists()
