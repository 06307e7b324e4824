# SPDX-License-Identifier: Apache-2.0
"""A narrow Res3D-GRU and files of its weights as the PaddlePaddle program writes."""

import pickle
from collections import OrderedDict

import torch
from mmengine.registry import MODELS, DefaultScope

from svr3d.converters.r2n2 import restore_paddle_names
from svr3d.engine.config import load_config

# The published network with fewer channels.
NARROW = {
    "model.backbone.widths": "(4, 4, 8, 8, 8, 8)",
    "model.backbone.out_features": "32",
    "model.fusion.in_features": "32",
    "model.fusion.channels": "8",
    "model.head.widths": "(8, 8, 8, 6, 4)",
}
OPTIONS = ("--cfg-options", *(f"{key}={value}" for key, value in NARROW.items()))


def narrow_model(config="r2n2/res3dgru_shapenet.py"):
    """Return a config's network, narrow, with random weights and statistics."""
    torch.manual_seed(0)
    cfg = load_config(config, NARROW, verbose=False)
    with DefaultScope.overwrite_default_scope("svr3d"):
        model = MODELS.build(cfg.model)
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            spread = torch.rand_like(value) * 0.2
            value += spread if name.endswith("var") else spread - 0.1
    return model.eval()


def paddle_file(path, model):
    """Write a narrow network's weights as the PaddlePaddle program does."""
    sizes = dict(channels=8, cells=64, max_views=5)
    return write_paddle(path, restore_paddle_names(model.state_dict(), **sizes))


def write_paddle(path, tensors):
    """Write tensors with their published names in torch conventions."""
    state, table = OrderedDict(), {}
    for name, value in tensors.items():
        array = torch.as_tensor(value).numpy().copy()
        head, _, last = name.rpartition(".")
        view = head.rpartition(".")[2]
        if last.startswith("running") and "gru3d" in name:
            name = f"{head.rpartition('.')[0]}.{last}_{view}"
        else:
            last = {"running_mean": "_mean", "running_var": "_variance"}.get(last, last)
            name = f"{head}.{last}"
        if name.endswith(("fcs.weight", "fc.weight")):
            array = array.T
        state[name] = array
        if ".shortcut." in name and name.startswith("encoder."):
            number = name.split(".")[1]
            state[name.replace(f"{number}.shortcut", f"{number}_sc")] = array
    for number, name in enumerate(state):
        table[name] = f"layer_{number}.w_0"
    state["StructuredToParameterName@@"] = table
    path.write_bytes(pickle.dumps(dict(state), protocol=2))
    return path
