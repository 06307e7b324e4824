# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of the PaddlePaddle program of Res3D-GRU-3."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from svr3d.errors import CheckpointError


class Source(NamedTuple):
    """Where a published tensor lies in the model: a parameter and a part of it."""

    name: str
    index: tuple = ()


# The program's names of the gates, in this package's channel order.
_GATES = ("gru3d_u", "gru3d_r", "gru3d_rs")
_NORM = ("weight", "bias", "running_mean", "running_var")


def paddle_key_map(
    *, channels: int = 128, cells: int = 64, max_views: int = 5
) -> dict[str, Source]:
    """Map the published names (torch conventions) to this package's tensors.

    Published names are those of the state with linear weights as (out, in),
    ``running_mean`` / ``running_var`` for Paddle's ``_mean`` / ``_variance``, and
    ``bn1.T.running_mean`` for the statistics of view T.

    Args:
        channels: Channels of the hidden grid.
        cells: Cells of the hidden grid.
        max_views: Number of views with statistics of their own.

    Returns:
        Published name -> name in ``EncoderDecoder(ResidualEncoder, VoxelDecoder,
        fusion=GRU3D)`` with default parts, and the part of that tensor.
    """
    names: dict[str, Source] = {}
    for stage in range(6):
        ours, theirs = f"backbone.stages.{stage}", f"encoder.layer{stage + 1}"
        _path(names, f"{ours}.path", f"{theirs}.path", depth=2, bias=False)
        if stage in (1, 2, 4, 5):
            _projection(names, f"{ours}.shortcut", f"{theirs}.shortcut")
    _layer(names, "backbone.project", "encoder.fcs")
    _gates(names, channels, cells, max_views)
    for index in range(3):
        _layer(names, f"head.upsample.{index}", f"decoder.decoder_unpool{index}")
    for index, depth in enumerate((2, 2, 2, 3)):
        ours, theirs = f"head.blocks.{index}", f"decoder.decoder_block{index}"
        _path(names, f"{ours}.path", theirs, depth=depth, bias=True)
        if index >= 2:
            _projection(names, f"{ours}.shortcut", f"{theirs}_shortcut")
    _layer(names, "head.to_logits", "decoder.decoder_block4.0")
    return names


def _layer(names: dict, ours: str, theirs: str, keys: tuple = ("weight", "bias")):
    names.update({f"{theirs}.{key}": Source(f"{ours}.{key}") for key in keys})


def _path(names: dict, ours: str, theirs: str, *, depth: int, bias: bool):
    conv = ("weight", "bias") if bias else ("weight",)
    for position in range(0, 3 * depth, 3):
        _layer(names, f"{ours}.{position}", f"{theirs}.{position}", conv)
        _layer(names, f"{ours}.{position + 1}", f"{theirs}.{position + 1}", _NORM)


def _projection(names: dict, ours: str, theirs: str):
    _layer(names, f"{ours}.0", f"{theirs}.0")
    _layer(names, f"{ours}.1", f"{theirs}.1", _NORM)


def _gates(names: dict, channels: int, cells: int, max_views: int):
    def rows(position: int, size: int) -> slice:
        return slice(position * size, (position + 1) * size)

    for gate, name in enumerate(_GATES):
        theirs = f"encoder.{name}"
        names[f"{theirs}.fc.weight"] = Source(
            "fusion.input_map.weight", (rows(gate, channels * cells),)
        )
        # Update and reset share a convolution, the candidate has its own.
        merged, position = ("gates", gate) if gate < 2 else ("candidate", 0)
        part = rows(position, channels)
        names[f"{theirs}.conv3d.weight"] = Source(
            f"fusion.{merged}_conv.weight", (part,)
        )
        for norm, ours, channel_part in (
            ("bn1", "fusion.input_norm", rows(gate, channels)),
            ("bn2", f"fusion.{merged}_norm", part),
        ):
            for key in ("weight", "bias"):
                names[f"{theirs}.{norm}.{key}"] = Source(
                    f"{ours}.{key}", (channel_part,)
                )
            for view in range(max_views):
                for key in ("running_mean", "running_var"):
                    names[f"{theirs}.{norm}.{view}.{key}"] = Source(
                        f"{ours}.{key}", (view, channel_part)
                    )


def convert_paddle_res3dgru(
    state: Mapping[str, Any], target: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Convert a published state (torch conventions) into this package's.

    Args:
        state: Published name -> array or tensor.
        target: State dict of the model that is to load the result; gives shapes.

    Returns:
        A state dict that loads strictly. Counters of batches, which the published
        program does not have, are 0.

    Raises:
        CheckpointError: If a tensor is missing, left over or of another shape.
    """
    max_views, channels3 = target["fusion.input_norm.running_mean"].shape
    channels = channels3 // 3
    cells = target["fusion.input_map.weight"].shape[0] // channels3
    names = paddle_key_map(channels=channels, cells=cells, max_views=max_views)
    _refuse("missing", [name for name in names if name not in state])
    _refuse("not part of the model", [name for name in state if name not in names])
    result = {
        name: torch.zeros_like(value)
        for name, value in target.items()
        if _is_stored(name)
    }
    for name, (ours, index) in names.items():
        value = torch.as_tensor(np.asarray(state[name]))
        place = result[ours][index] if index else result[ours]
        if place.shape != value.shape:
            raise CheckpointError(
                f"{name}: expected shape {tuple(place.shape)}, "
                f"found {tuple(value.shape)}"
            )
        place.copy_(value)
    return result


def restore_paddle_names(
    tensors: Mapping[str, torch.Tensor], **sizes: int
) -> dict[str, torch.Tensor]:
    """Return tensors under their published names, views of the given ones.

    Args:
        tensors: Name in this package -> tensor (parameters, gradients, buffers);
            those absent are left out.
        sizes: Arguments of :func:`paddle_key_map`.
    """
    return {
        name: tensors[ours][index] if index else tensors[ours]
        for name, (ours, index) in paddle_key_map(**sizes).items()
        if ours in tensors
    }


def _is_stored(name: str) -> bool:
    return not name.startswith(("data_preprocessor.", "losses."))


def _refuse(what: str, names: list[str]):
    if names:
        shown = ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
        raise CheckpointError(
            f"Res3D-GRU-3 checkpoint: {len(names)} tensors {what}: {shown}"
        )
