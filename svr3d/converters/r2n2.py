# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of the PaddlePaddle program of Res3D-GRU-3."""

from collections.abc import Mapping
from typing import Any

import torch

from svr3d.converters.key_map import (
    NORM_KEYS,
    Source,
    fill_state,
    fusion_sizes,
    gate_convolution,
    map_layer,
    map_recurrent_norms,
    restore_names,
    rows,
)

# The program's names of the gates, in this package's channel order.
_GATES = ("gru3d_u", "gru3d_r", "gru3d_rs")


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
    map_layer(names, "backbone.project", "encoder.fcs")
    for gate, name in enumerate(_GATES):
        theirs = f"encoder.{name}"
        size = channels * cells
        names[f"{theirs}.fc.weight"] = Source(
            "fusion.input_map.weight", (rows(gate, size),)
        )
        merged, part = gate_convolution(gate, channels)
        names[f"{theirs}.conv3d.weight"] = Source(
            f"fusion.{merged}_conv.weight", (part,)
        )
        map_recurrent_norms(names, theirs, gate, channels=channels, max_views=max_views)
    for index in range(3):
        map_layer(names, f"head.upsample.{index}", f"decoder.decoder_unpool{index}")
    for index, depth in enumerate((2, 2, 2, 3)):
        ours, theirs = f"head.blocks.{index}", f"decoder.decoder_block{index}"
        _path(names, f"{ours}.path", theirs, depth=depth, bias=True)
        if index >= 2:
            _projection(names, f"{ours}.shortcut", f"{theirs}_shortcut")
    map_layer(names, "head.to_logits", "decoder.decoder_block4.0")
    return names


def _path(names: dict, ours: str, theirs: str, *, depth: int, bias: bool):
    conv = ("weight", "bias") if bias else ("weight",)
    for position in range(0, 3 * depth, 3):
        norm = position + 1
        map_layer(names, f"{ours}.{position}", f"{theirs}.{position}", conv)
        map_layer(names, f"{ours}.{norm}", f"{theirs}.{norm}", NORM_KEYS)


def _projection(names: dict, ours: str, theirs: str):
    map_layer(names, f"{ours}.0", f"{theirs}.0")
    map_layer(names, f"{ours}.1", f"{theirs}.1", NORM_KEYS)


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
    names = paddle_key_map(**fusion_sizes(target))
    return fill_state(names, state, target, what="Res3D-GRU-3")


def restore_paddle_names(
    tensors: Mapping[str, torch.Tensor], **sizes: int
) -> dict[str, torch.Tensor]:
    """Return tensors under their published names, views of the given ones.

    Args:
        tensors: Name in this package -> tensor (parameters, gradients, buffers);
            those absent are left out.
        sizes: Arguments of :func:`paddle_key_map`.
    """
    return restore_names(paddle_key_map(**sizes), tensors)
