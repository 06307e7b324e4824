# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of Occupancy Networks: the authors' program, and a re-implementation."""

import re
from collections.abc import Mapping

from torch import Tensor

from .key_map import Source, restore_names

# Name of a tensor of a backbone -> published name, the first rule that matches. The
# published networks are one class per encoder, all under the name ``encoder``.
_ENCODERS = (
    # ConditionalResNet, in both programs.
    (r"(features|fc)\.(.+)", r"\1.\2"),
    # EfficientNetEncoder.
    (r"(_.+)", r"features.\1"),
    # SimpleConvEncoder.
    (r"convolutions\.(\d)\.(.+)", r"conv\1.\2"),
    # PointNetEncoder, ResNetPointNetEncoder and VoxelEncoder.
    (r"((?:fc|block|conv)_.+)", r"\1"),
    # IndexEmbedding.
    (r"codes\.(.+)", r"\1"),
    # ResidualEncoder.
    (r"project\.(.+)", r"fc_out.\1"),
)


def occnet_key_map(target: Mapping[str, Tensor]) -> dict[str, Source]:
    """Map the published names to this package's tensors.

    Args:
        target: Tensors of the model, such as its state dict; those without a published
            name are left out.

    Returns:
        Published name -> name in this package.
    """
    shallow = "backbone.stages.0.path.2.weight" not in target
    names: dict[str, Source] = {}
    for name in target:
        part, _, rest = name.partition(".")
        if part == "backbone":
            theirs = _encoder_name(rest, shallow=shallow)
            if theirs is not None:
                names[f"encoder.{theirs}"] = Source(name)
    return names


def _encoder_name(name: str, *, shallow: bool) -> str | None:
    for pattern, replacement in _ENCODERS:
        match = re.fullmatch(pattern, name)
        if match:
            return match.expand(replacement)
    stage = re.fullmatch(r"stages\.(\d)\.(path\.(\d)|shortcut\.0)\.(\w+)", name)
    return None if stage is None else _r2n2_name(stage, shallow=shallow)


def _r2n2_name(stage: re.Match, *, shallow: bool) -> str:
    """Return the published name of a convolution of a ``ResidualEncoder``.

    ``r2n2_simple`` is a sequence of [convolution, pool, activation], ``r2n2_resnet``
    one of two convolutions with activations, a pool, and pairs of [block, pool].
    """
    index, place, layer, tensor = stage.groups()
    if shallow:
        return f"convnet.{3 * int(index)}.{tensor}"
    if index == "0":
        return f"convnet.{layer}.{tensor}"
    block = f"convnet.{3 + 2 * int(index)}"
    inner = "shortcut" if place.startswith("shortcut") else f"convnet.{layer}"
    return f"{block}.{inner}.{tensor}"


def restore_occnet_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors (parameters, gradients, buffers) under their published names.

    Args:
        tensors: Name in this package -> tensor; those without a published name are
            left out.
    """
    return restore_names(occnet_key_map(tensors), tensors)
