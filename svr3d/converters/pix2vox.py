# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of the PyTorch program of Pix2Vox (hzxie/Pix2Vox)."""

import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from svr3d.errors import CheckpointError
from svr3d.io.foreign_checkpoints import read_torch_file

from .key_map import Source, fill_state, restore_names

PARTS = ("encoder", "decoder", "merger", "refiner")

# Module of EncoderDecoder(FeatureMapEncoder(VGGFeatures), TransposedVoxelDecoder,
# fusion=ContextAwareFusion, refiner=VoxelRefiner) -> published module.
_MODULES = {
    "backbone.trunk.layers": "encoder.vgg",
    **{f"backbone.layers.{i}": f"encoder.layer{i + 1}" for i in range(3)},
    **{f"head.layers.{i}": f"decoder.layer{i + 1}" for i in range(4)},
    "head.to_logits": "decoder.layer5.0",
    **{f"fusion.score.{i}": f"merger.layer{i + 1}" for i in range(5)},
    **{f"refiner.down.{i}": f"refiner.layer{i + 1}" for i in range(3)},
    "refiner.dense.0": "refiner.layer4.0",
    "refiner.dense.2": "refiner.layer5.0",
    "refiner.up.0": "refiner.layer6",
    "refiner.up.1": "refiner.layer7",
    "refiner.up.2": "refiner.layer8.0",
}
# Whether parts are in use, which the program decides by its configuration.
_STAGES = ("fusion._extra_state", "refiner._extra_state")
_COUNTER = ".num_batches_tracked"


def read_pix2vox(path: str | os.PathLike) -> dict[str, Tensor]:
    """Read a published checkpoint without running code of its pickle.

    Args:
        path: The ``.pth`` file.

    Returns:
        ``<part>.<name>`` -> tensor, see :func:`published_state`.

    Raises:
        CheckpointError: If the file is missing, broken, or of another kind, or holds
            more than tensors, builtins and numbers.
    """
    # The program notes its best IoU as a number of numpy.
    content = read_torch_file(path, numbers=True)
    return published_state(content, source=str(path))


def published_state(content: Any, *, source: str) -> dict[str, Tensor]:
    """Collect the weights of a published checkpoint under one set of names.

    Args:
        content: ``encoder_state_dict``, ``decoder_state_dict`` and, where the method
            has them, ``merger_state_dict`` and ``refiner_state_dict``; their names may
            start with ``module.``, as wrappers for several GPUs leave it. Other
            entries, such as the state of the optimisers, are left out.
        source: Where it comes from, for messages.

    Returns:
        ``<part>.<name>`` -> tensor.

    Raises:
        CheckpointError: If there is no encoder or no decoder, or a state is none.
    """
    if not isinstance(content, Mapping):
        raise CheckpointError(
            f"{source}: expected the states of Pix2Vox's parts by name, found a "
            f"{type(content).__name__}"
        )
    state: dict[str, Tensor] = {}
    for part in PARTS:
        key = f"{part}_state_dict"
        if key not in content and part in ("merger", "refiner"):
            continue
        tensors = content.get(key)
        if not isinstance(tensors, Mapping) or not all(
            isinstance(value, Tensor) for value in tensors.values()
        ):
            found = ", ".join(map(repr, list(content)[:8])) or "nothing"
            raise CheckpointError(
                f"{source}: expected the tensors of {key!r}, found the entries {found}"
            )
        for name, value in tensors.items():
            state[f"{part}.{name.removeprefix('module.')}"] = value
    return state


def pix2vox_key_map(target: Mapping[str, Tensor]) -> dict[str, Source]:
    """Map the published names to this package's tensors.

    Args:
        target: Tensors of the model, such as its state dict; those without a published
            name are left out.

    Returns:
        Published name, with its part in front -> name in this package.
    """
    return {
        theirs + name.removeprefix(ours): Source(name)
        for name in target
        for ours, theirs in _MODULES.items()
        if name.startswith(f"{ours}.")
    }


def convert_pix2vox(
    state: Mapping[str, Any], target: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Convert a published state into this package's.

    Args:
        state: Published name, with its part in front -> array or tensor.
        target: State dict of the model that is to load the result; gives names and
            shapes.

    Returns:
        A state dict that loads strictly, with fusion and refiner in use. Counters of
        batches that the published state does not have are 0.

    Raises:
        CheckpointError: If a tensor is missing, left over or of another shape.
    """
    names = {
        name: source
        for name, source in pix2vox_key_map(target).items()
        if name in state or not name.endswith(_COUNTER)
    }
    result = fill_state(names, state, target, what="Pix2Vox")
    return {
        name: torch.ones_like(value) if name in _STAGES else value
        for name, value in result.items()
    }


def restore_pix2vox_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors (parameters, gradients, buffers) under their published names.

    Args:
        tensors: Name in this package -> tensor; those without a published name are
            left out.
    """
    return restore_names(pix2vox_key_map(tensors), tensors)
