# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of AtlasNet, and of the Dispersion Score's fork of it."""

import os
import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from svr3d.io.foreign_checkpoints import read_torch_file

from .key_map import Layout, Source, fill_state, restore_names, rows
from .occnet_files import published_state

# A convolution of one tap is a linear layer here.
_TAP = Layout(lambda value: value.squeeze(-1), lambda value: value.unsqueeze(-1))
# Name of a module of a backbone -> published name, the first rule that matches.
_ENCODERS = (
    # ConditionalResNet.
    (r"features\.(.+)", r"\1"),
    (r"fc", "fc"),
)
# BatchNormPointNetEncoder: list -> published name, number of its first entry.
_POINT_ENCODER = {
    "point_layers": ("conv", 1),
    "point_norms": ("bn", 1),
    "code_layers": ("lin", 1),
    "code_norms": ("bn", 4),
}
# FoldNetHead: the places in a sequence of layers, norms and activations.
_FOLDINGS = {"first": "folding1", "second": "folding2"}
_FOLDING = {"entry": 0, "entry_norm": 1, "layer": 3, "norm": 4, "output_layer": 6}


def read_atlasnet(path: str | os.PathLike) -> dict[str, Tensor]:
    """Read a checkpoint without running code of its pickle.

    Args:
        path: ``network.pth`` of either program, whose names may start with
            ``module.``, or ``checkpoint.pt`` of the synthetic study, which has them
            under ``model_state_dict``.

    Returns:
        ``<part>.<name>`` -> tensor, the parts being ``encoder`` and ``decoder``.

    Raises:
        CheckpointError: If the file is missing, broken or of another kind, or holds
            more than tensors, builtins and numbers.
    """
    content = read_torch_file(path, numbers=True)
    return published_state(content, key="model_state_dict", source=str(path))


def atlasnet_key_map(target: Mapping[str, Tensor]) -> dict[str, Source]:
    """Return where each published tensor belongs.

    Args:
        target: Tensors of the model, such as its state dict; those without a published
            name are left out.

    Returns:
        Published name -> tensor of this package, or the part of one patch.
    """
    patches = 1
    if "head.last_layer.weight" in target and "head.point_layer.weight" in target:
        patches = len(target["head.last_layer.weight"]) // 3
    names: dict[str, Source] = {}
    for name in target:
        part, _, rest = name.partition(".")
        module, _, tensor = rest.rpartition(".")
        if part == "backbone":
            names.update(_encoder(name, module, tensor))
        elif part == "head" and module.startswith(("first.", "second.")):
            names.update(_folding(name, module, tensor))
        elif part == "head" and "head.point_layer.weight" in target:
            names.update(_patches(name, module, tensor, target[name], patches))
        elif part == "head":
            names.update(_fully_connected(name, module, tensor))
    return names


def _encoder(name: str, module: str, tensor: str) -> dict[str, Source]:
    for pattern, replacement in _ENCODERS:
        match = re.fullmatch(pattern, module)
        if match:
            return {f"encoder.{match.expand(replacement)}.{tensor}": Source(name)}
    kind, _, index = module.partition(".")
    if kind not in _POINT_ENCODER:
        return {}
    theirs, first = _POINT_ENCODER[kind]
    convolution = theirs == "conv" and tensor == "weight"
    layout = _TAP if convolution else None
    theirs = f"encoder.{theirs}{first + int(index)}.{tensor}"
    return {theirs: Source(name, layout=layout)}


def _patches(
    name: str, module: str, tensor: str, value: Tensor, patches: int
) -> dict[str, Source]:
    """Return the parts of a tensor of ``AtlasNetHead``, patch by patch."""
    kind, _, index = module.partition(".")
    number = int(index or 0)
    theirs = {
        "point_layer": "conv1",
        "layers": f"conv_list.{number - 1}" if number else "conv2",
        "last_layer": "last_conv",
        "norms": f"bn_list.{number - 2}" if number > 1 else f"bn{number + 1}",
    }.get(kind)
    if theirs is None:
        return {}
    layout = _TAP if kind != "norms" and tensor == "weight" else None
    found = {}
    for patch in range(patches):
        # The count of batches is common to all.
        index = (rows(patch, len(value) // patches),) if value.ndim else ()
        published = f"decoder.decoder.{patch}.{theirs}.{tensor}"
        found[published] = Source(name, index, layout)
    return found


def _folding(name: str, module: str, tensor: str) -> dict[str, Source]:
    folding, _, layer = module.partition(".")
    layout = None if layer.endswith("norm") or tensor != "weight" else _TAP
    theirs = f"decoder.{_FOLDINGS[folding]}.{_FOLDING[layer]}.{tensor}"
    return {theirs: Source(name, layout=layout)}


def _fully_connected(name: str, module: str, tensor: str) -> dict[str, Source]:
    if module == "last_layer":
        return {f"decoder.fc4.{tensor}": Source(name)}
    match = re.fullmatch(r"(layers|norms)\.(\d)", module)
    if match is None:
        return {}
    kind = "fc" if match[1] == "layers" else "bn"
    return {f"decoder.{kind}{int(match[2]) + 1}.{tensor}": Source(name)}


def convert_atlasnet(
    state: Mapping[str, Any], target: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Convert a published state into this package's.

    Args:
        state: Published name -> array or tensor.
        target: State dict of the model that is to load the result; gives names and
            shapes.

    Returns:
        A state dict that loads strictly.

    Raises:
        CheckpointError: If a tensor is missing, left over or of another shape.
    """
    return fill_state(atlasnet_key_map(target), state, target, what="AtlasNet")


def restore_atlasnet_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors (parameters, gradients, buffers) under their published names.

    Args:
        tensors: Name in this package -> tensor; those without a published name are
            left out.
    """
    return restore_names(atlasnet_key_map(tensors), tensors)
