# SPDX-License-Identifier: Apache-2.0
"""Maps from the tensors of published checkpoints to this package's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from svr3d.errors import CheckpointError

# Ends of names that programs other than this one need not have.
_UNPUBLISHED = ("num_batches_tracked", "_extra_state")
NORM_KEYS = ("weight", "bias", "running_mean", "running_var")


class Layout(NamedTuple):
    """How a published tensor is laid out: two functions, inverse to one another."""

    to_ours: Callable[[Tensor], Tensor]
    to_theirs: Callable[[Tensor], Tensor]


class Source(NamedTuple):
    """Where a published tensor lies in the model: a tensor, a part of it, a layout."""

    name: str
    index: tuple = ()
    layout: Layout | None = None

    def part(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """Return that part in this package's layout.

        Args:
            tensors: Name in this package -> tensor.
        """
        whole = tensors[self.name]
        return whole[self.index] if self.index else whole

    def published(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """Return that part as it is published, a view where the layout allows it.

        Args:
            tensors: Name in this package -> tensor.
        """
        part = self.part(tensors)
        return part if self.layout is None else self.layout.to_theirs(part)


def map_layer(
    names: dict[str, Source],
    ours: str,
    theirs: str,
    keys: Sequence[str] = ("weight", "bias"),
) -> None:
    """Add a layer whose tensors have the same names inside it.

    Args:
        names: Map to extend.
        ours: Name of the layer in this package.
        theirs: Published name.
        keys: Its tensors.
    """
    names.update({f"{theirs}.{key}": Source(f"{ours}.{key}") for key in keys})


def rows(position: int, size: int) -> slice:
    """Return the slice of a block among equal ones.

    Args:
        position: Number of the block.
        size: Its length.
    """
    return slice(position * size, (position + 1) * size)


def map_recurrent_norms(
    names: dict[str, Source],
    theirs: str,
    gate: int,
    *,
    channels: int,
    max_views: int,
) -> None:
    """Add both recurrent norms of one gate of ``GRU3D``.

    ``<theirs>.bn1`` normalises the input map, ``<theirs>.bn2`` the convolution;
    statistics of view T are ``bn1.T.running_mean``.

    Args:
        names: Map to extend.
        theirs: Published name of the gate.
        gate: 0 update, 1 reset, 2 candidate.
        channels: Channels of the hidden grid.
        max_views: Number of views with statistics of their own.
    """
    merged, part = gate_convolution(gate, channels)
    for norm, ours, channel_part in (
        ("bn1", "fusion.input_norm", rows(gate, channels)),
        ("bn2", f"fusion.{merged}_norm", part),
    ):
        for key in ("weight", "bias"):
            names[f"{theirs}.{norm}.{key}"] = Source(f"{ours}.{key}", (channel_part,))
        for view in range(max_views):
            for key in ("running_mean", "running_var"):
                names[f"{theirs}.{norm}.{view}.{key}"] = Source(
                    f"{ours}.{key}", (view, channel_part)
                )


def gate_convolution(gate: int, channels: int) -> tuple[str, slice]:
    """Return which convolution of ``GRU3D`` a gate has, and its output channels.

    Update and reset share a convolution, the candidate has its own.

    Args:
        gate: 0 update, 1 reset, 2 candidate.
        channels: Channels of the hidden grid.
    """
    merged, position = ("gates", gate) if gate < 2 else ("candidate", 0)
    return merged, rows(position, channels)


def fill_state(
    names: Mapping[str, Source],
    state: Mapping[str, Any],
    target: Mapping[str, Tensor],
    *,
    what: str,
) -> dict[str, Tensor]:
    """Return a state dict filled with published tensors.

    Args:
        names: Published name -> where it belongs.
        state: Published name -> array or tensor.
        target: State dict of the model that is to load the result; gives shapes.
        what: What is converted, for messages.

    Returns:
        A state dict that loads strictly. Counters of batches and states beside the
        weights that no published name maps to are 0.

    Raises:
        CheckpointError: If a tensor is missing, left over or of another shape, on
            either side.
    """
    _refuse(what, "missing", [name for name in names if name not in state])
    _refuse(
        what, "not part of the model", [name for name in state if name not in names]
    )
    result = {
        name: torch.zeros_like(value)
        for name, value in target.items()
        if _is_stored(name)
    }
    filled = {source.name for source in names.values()}
    unpublished = {name for name in result if name.endswith(_UNPUBLISHED)}
    _refuse(what, "without a place in the model", sorted(filled - result.keys()))
    _refuse(
        what,
        "of the model not in the file",
        sorted(result.keys() - filled - unpublished),
    )
    for name, source in names.items():
        value = state[name]
        if not isinstance(value, Tensor):
            value = torch.as_tensor(np.asarray(value))
        place = source.part(result)
        expected = source.published(result).shape
        if expected != value.shape:
            raise CheckpointError(
                f"{name}: expected shape {tuple(expected)}, found {tuple(value.shape)}"
            )
        place.copy_(value if source.layout is None else source.layout.to_ours(value))
    return result


def restore_names(
    names: Mapping[str, Source], tensors: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Return tensors under their published names and in the published layout.

    Args:
        names: Published name -> where it lies in this package.
        tensors: Name in this package -> tensor (parameters, gradients, buffers);
            those absent are left out.
    """
    return {
        name: source.published(tensors)
        for name, source in names.items()
        if source.name in tensors
    }


def fusion_sizes(target: Mapping[str, Tensor]) -> dict[str, int]:
    """Return channels and cells of the hidden grid of ``GRU3D``, and its views.

    Args:
        target: State dict of the model.
    """
    channels = target["fusion.candidate_conv.weight"].shape[0]
    cells = target["fusion.input_map.weight"].shape[0] // (3 * channels)
    sizes = {"channels": channels, "cells": cells}
    if "fusion.input_norm.running_mean" in target:
        sizes["max_views"] = len(target["fusion.input_norm.running_mean"])
    return sizes


def _is_stored(name: str) -> bool:
    return not name.startswith(("data_preprocessor.", "losses."))


def _refuse(what: str, problem: str, names: list[str]):
    if names:
        shown = ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
        raise CheckpointError(
            f"{what} checkpoint: {len(names)} tensors {problem}: {shown}"
        )
