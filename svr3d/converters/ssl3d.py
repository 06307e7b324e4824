# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of the TensorFlow program of self-supervised point clouds."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from .key_map import Layout, Source, fill_state, restore_names

# A kernel is (height, width, in, out) there, the weight of a layer (in, out).
_CONVOLUTION = Layout(lambda w: w.permute(3, 2, 0, 1), lambda w: w.permute(2, 3, 1, 0))
_DENSE = Layout(lambda w: w.T, lambda w: w.T)

# What a checkpoint holds beside weights: the state of the optimisers.
_STATE = ("/Adam", "/Adam_1")
_COUNTERS = ("beta1_power", "beta2_power")


def _numbered(name: str, number: int) -> str:
    """Return the name that tflearn gives the layer of a kind, counted from 0."""
    return f"{name}_{number}" if number else name


def _layers() -> dict[str, str]:
    """Return module -> published scope; both networks count their layers anew."""
    dense = {
        "shape": (
            *("backbone.dense", "layers.0", "layers.1", "to_points"),
            *("color_backbone.dense", "color_layers.0", "color_layers.1"),
            *("joined_layer", "to_colors"),
        ),
        "pose": ("backbone.dense", "layers.0", "layers.1", "last_layer"),
    }
    convolutions = {
        "shape": (
            *(f"backbone.convolutions.{index}" for index in range(4)),
            *(f"color_backbone.convolutions.{index}" for index in range(2)),
        ),
        "pose": tuple(f"backbone.convolutions.{index}" for index in range(4)),
    }
    return {
        f"{part}.{module}": f"{scope}/{_numbered(kind, number)}"
        for part, scope in (("shape", "recon_net"), ("pose", "pose_net"))
        for kind, modules in (("Conv2D", convolutions), ("FullyConnected", dense))
        for number, module in enumerate(modules[part])
    }


_LAYERS = _layers()


def ssl3d_key_map(target: Mapping[str, Tensor]) -> dict[str, Source]:
    """Map the published names to this package's tensors.

    Args:
        target: Tensors of the model, such as its state dict; those without a published
            name are left out.

    Returns:
        Published name, such as ``recon_net/Conv2D/W`` -> name in this package.
    """
    names = {}
    for module, theirs in _LAYERS.items():
        if f"{module}.weight" in target:
            layout = _CONVOLUTION if "convolutions" in module else _DENSE
            names[f"{theirs}/W"] = Source(f"{module}.weight", layout=layout)
        if f"{module}.bias" in target:
            names[f"{theirs}/b"] = Source(f"{module}.bias")
    return names


def convert_ssl3d(
    state: Mapping[str, Any], target: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Convert the variables of a checkpoint into this package's state.

    Args:
        state: Name of the variable -> array; states of the optimisers are left out.
        target: State dict of the model that is to load the result; gives names and
            shapes.

    Returns:
        A state dict that loads strictly.

    Raises:
        CheckpointError: If a tensor is missing, left over or of another shape.
    """
    weights = {
        name: value
        for name, value in state.items()
        if not name.endswith(_STATE) and not name.startswith(_COUNTERS)
    }
    return fill_state(ssl3d_key_map(target), weights, target, what="ssl3d")


def restore_ssl3d_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors (parameters, gradients) under published names and layouts.

    Args:
        tensors: Name in this package -> tensor; those without a published name are
            left out.
    """
    return restore_names(ssl3d_key_map(tensors), tensors)
