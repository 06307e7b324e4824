# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of Occupancy Networks: the authors' program, and a re-implementation."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .key_map import Source, fill_state, restore_names

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
# The same for a decoder, as ``cbatchnorm`` of the authors' program is spelled; what is
# left of a name stays.
_DECODER = (
    (r"^point_layer\.", "fc_p."),
    (r"^latent_layer\.", "fc_z."),
    (r"^code_layer\.", "fc_c."),
    (r"^output_layer\.", "fc_out."),
    (r"^blocks\.(\d)\.", r"block\1."),
    (r"\bfirst_norm\.", "bn_0."),
    (r"\bsecond_norm\.", "bn_1."),
    (r"\bfirst\.", "fc_0."),
    (r"\bsecond\.", "fc_1."),
    (r"^norm\.(gamma|beta|norm)\b", r"bn.\1"),
    (r"\bnorm\.", "bn."),
    (r"\b(gamma|beta)\.", r"conv_\1."),
)


def _one_up(match: re.Match) -> str:
    return f"block{int(match[1]) + 1}."


# Spelling -> how its names differ from those.
SPELLINGS: dict[str, tuple] = {
    "official": (),
    "legacy": ((r"\bconv_(gamma|beta)\.", r"fc_\1."),),
    "cbatchnorm2": (
        (r"^fc_p\.", "conv_p."),
        (r"^block(\d)\.", r"blocks.\1."),
        (r"^fc_out\.", "conv_out."),
    ),
    "lightning_cbn": (
        (r"^block(\d)\.", _one_up),
        (r"\bbn\.(running|num)", r"batchnorm.\1"),
        (r"\bbn_(\d)\.", r"batchnorm_\1."),
        (r"\bconv_(gamma|beta)\.", r"\1."),
    ),
    "lightning_fc": ((r"^block(\d)\.", r"blocks.\1."), (r"^fc_out\.", "fc.")),
}
"""How the decoders of the two programs spell the same tensors."""

# Layers whose results the program's blocks throw away.
_UNUSED = re.compile(r"decoder\.blocks\.\d\.fc_0\.(weight|bias)")


def spelling_of(state: Mapping[str, Any]) -> str:
    """Return the spelling of a published state, a key of ``SPELLINGS``.

    Args:
        state: Published name, with its part in front -> anything.
    """
    signs = {
        "legacy": "decoder.bn.fc_gamma.weight",
        "cbatchnorm2": "decoder.conv_p.weight",
        "lightning_cbn": "decoder.bn.batchnorm.running_mean",
        "lightning_fc": "decoder.fc.weight",
    }
    found = [spelling for spelling, sign in signs.items() if sign in state]
    return found[0] if found else "official"


def occnet_key_map(
    target: Mapping[str, Tensor], spelling: str = "official"
) -> dict[str, Source]:
    """Map the published names to this package's tensors.

    Args:
        target: Tensors of the model, such as its state dict; those without a published
            name are left out.
        spelling: A key of ``SPELLINGS``.

    Returns:
        Published name -> name in this package.
    """
    shallow = "backbone.stages.0.path.2.weight" not in target
    names: dict[str, Source] = {}
    for name in target:
        part, _, rest = name.partition(".")
        theirs = None
        if part == "backbone":
            theirs = _encoder_name(rest, shallow=shallow)
            theirs = theirs and f"encoder.{theirs}"
        elif name.startswith("head.decoder."):
            rest = rest.removeprefix("decoder.")
            for pattern, replacement in (*_DECODER, *SPELLINGS[spelling]):
                rest = re.sub(pattern, replacement, rest)
            theirs = f"decoder.{rest}"
        elif name.startswith("head.latent."):
            theirs = f"encoder_latent.{rest.removeprefix('latent.')}"
        if theirs is not None:
            names[theirs] = Source(name)
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


def convert_occnet(
    state: Mapping[str, Any], target: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Convert a published state into this package's.

    Args:
        state: Published name, with its part in front -> array or tensor.
        target: State dict of the model that is to load the result; gives names and
            shapes.

    Returns:
        A state dict that loads strictly. Layers that the Lightning program has but
        does not use are left out.

    Raises:
        CheckpointError: If a tensor is missing, left over or of another shape.
    """
    spelling = spelling_of(state)
    names = occnet_key_map(target, spelling)
    state = {
        name: _without_kernel(name, value)
        for name, value in state.items()
        if not (spelling == "lightning_fc" and _UNUSED.fullmatch(name))
    }
    return fill_state(names, state, target, what="Occupancy Networks")


def _without_kernel(name: str, value: Any) -> Tensor:
    """Return a decoder's convolution of one tap as the linear layer that it is."""
    value = value if isinstance(value, Tensor) else torch.as_tensor(np.asarray(value))
    if name.startswith("decoder.") and value.dim() == 3 and value.shape[-1] == 1:
        return value.squeeze(-1)
    return value


def restore_occnet_names(
    tensors: Mapping[str, Tensor], spelling: str = "official"
) -> dict[str, Tensor]:
    """Return tensors (parameters, gradients, buffers) under their published names.

    Args:
        tensors: Name in this package -> tensor; those without a published name are
            left out. Weights of convolutions of one tap stay those of linear layers.
        spelling: A key of ``SPELLINGS``.
    """
    return restore_names(occnet_key_map(tensors, spelling), tensors)
