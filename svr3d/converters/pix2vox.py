# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of the PyTorch program of Pix2Vox (hzxie/Pix2Vox)."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from svr3d.errors import CheckpointError

PARTS = ("encoder", "decoder", "merger", "refiner")

# Published module -> module of EncoderDecoder(FeatureMapEncoder(VGGFeatures),
# TransposedVoxelDecoder, fusion=ContextAwareFusion, refiner=VoxelRefiner).
_MODULES = {
    "encoder.vgg": "backbone.trunk.layers",
    **{f"encoder.layer{i + 1}": f"backbone.layers.{i}" for i in range(3)},
    **{f"decoder.layer{i + 1}": f"head.layers.{i}" for i in range(4)},
    "decoder.layer5.0": "head.to_logits",
    **{f"merger.layer{i + 1}": f"fusion.score.{i}" for i in range(5)},
    **{f"refiner.layer{i + 1}": f"refiner.down.{i}" for i in range(3)},
    "refiner.layer4.0": "refiner.dense.0",
    "refiner.layer5.0": "refiner.dense.2",
    "refiner.layer6": "refiner.up.0",
    "refiner.layer7": "refiner.up.1",
    "refiner.layer8.0": "refiner.up.2",
}
_STAGES = ("fusion._extra_state", "refiner._extra_state")
_COUNTER = "num_batches_tracked"


def published_state(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Collect the weights of a published checkpoint under one set of names.

    Args:
        checkpoint: ``encoder_state_dict``, ``decoder_state_dict`` and, where the method
            has them, ``merger_state_dict`` and ``refiner_state_dict``; their names may
            start with ``module.``, as wrappers for several GPUs leave it. Other entries
            are left out.

    Returns:
        ``<part>.<name>`` -> tensor.

    Raises:
        CheckpointError: If there is no encoder or no decoder.
    """
    for part in ("encoder", "decoder"):
        if f"{part}_state_dict" not in checkpoint:
            found = ", ".join(map(repr, list(checkpoint)[:8])) or "nothing"
            raise CheckpointError(
                f"Pix2Vox checkpoint: expected '{part}_state_dict', found {found}"
            )
    return {
        f"{part}.{name.removeprefix('module.')}": value
        for part in PARTS
        for name, value in checkpoint.get(f"{part}_state_dict", {}).items()
    }


def our_name(published: str) -> str | None:
    """Return this package's name of a published tensor, or None if it has none."""
    for theirs, ours in _MODULES.items():
        if published.startswith(f"{theirs}."):
            return ours + published.removeprefix(theirs)
    return None


def convert_pix2vox(
    state: Mapping[str, Any], target: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Convert a published state into this package's.

    Args:
        state: Published name, with its part in front -> array or tensor.
        target: State dict of the model that is to load the result; gives names and
            shapes.

    Returns:
        A state dict that loads strictly, with merger and refiner in use. Counters of
        batches that the published state does not have are 0.

    Raises:
        CheckpointError: If a tensor is missing, left over or of another shape.
    """
    names = {our_name(name) or name: name for name in state}
    wanted = [
        name
        for name in target
        if name not in _STAGES and not name.startswith(("data_preprocessor.",))
    ]
    _refuse("missing", (n for n in wanted if n not in names and _COUNTER not in n))
    _refuse(
        "not part of the model", (names[name] for name in names if name not in wanted)
    )
    result = {name: torch.tensor(True) for name in _STAGES if name in target}
    for name in wanted:
        if name not in names:
            result[name] = torch.zeros_like(target[name])
            continue
        value = torch.as_tensor(np.asarray(state[names[name]]))
        if value.shape != target[name].shape:
            raise CheckpointError(
                f"{names[name]}: expected shape {tuple(target[name].shape)}, "
                f"found {tuple(value.shape)}"
            )
        result[name] = value.to(target[name].dtype).clone()
    return result


def restore_pix2vox_names(
    tensors: Mapping[str, torch.Tensor],
) -> dict[str, torch.Tensor]:
    """Return tensors (parameters, gradients, buffers) under their published names.

    Args:
        tensors: Name in this package -> tensor; those without a published name are
            left out.
    """
    result = {}
    for name, tensor in tensors.items():
        for theirs, ours in _MODULES.items():
            if name.startswith(f"{ours}."):
                result[theirs + name.removeprefix(ours)] = tensor
    return result


def _refuse(what: str, names: Iterable[str]):
    names = list(names)
    if names:
        shown = ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
        raise CheckpointError(
            f"Pix2Vox checkpoint: {len(names)} tensors {what}: {shown}"
        )
