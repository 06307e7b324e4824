# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of heromanba/3D-R2N2-PyTorch: GRUNet, ResidualGRUNet, its norm variant.

The Theano program has the same layers (see ``r2n2_theano``).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from svr3d.converters.key_map import (
    NORM_KEYS,
    Layout,
    Source,
    fill_state,
    fusion_sizes,
    gate_convolution,
    map_layer,
    map_recurrent_norms,
    restore_names,
    rows,
)

# The port's names of the gates, in this package's channel order.
GATES = ("t_x_s_update", "t_x_s_reset", "t_x_rs")
_PER_CHANNEL = Layout(lambda t: t.reshape(-1), lambda t: t.view(1, -1, 1, 1, 1))


class PortNetwork(NamedTuple):
    """Which convolutions a network of the port has.

    Attributes:
        stages: For each encoder stage the letters of its convolutions.
        blocks: For each decoder block likewise.
        depths: For each decoder block how many of them are in the path; one more is
            the shortcut's.
        norm: Whether batch norms follow.
    """

    stages: Sequence[str]
    blocks: Sequence[str]
    depths: Sequence[int]
    norm: bool


# A blank letter is a name without one.
PORT_NETWORKS = {
    "gru": PortNetwork((" ",) * 6, (" ",) * 4, (1,) * 4, False),
    "resgru": PortNetwork(
        ("ab", "abc", "abc", "ab", "abc", "ab"),
        ("ab", "ab", "abc", "abc"),
        (2, 2, 2, 2),
        False,
    ),
    "resgru_bn": PortNetwork(
        ("ab", "abc", "abc", "ab", "ab", "ab"),
        ("ab", "ab", "abc", "abcd"),
        (2, 2, 2, 3),
        True,
    ),
}
# The port has this norm in its checkpoints but never applies it.
_UNUSED = re.compile(r"decoder\.bn10c\.")
# Statistics of view 0 of a recurrent norm are bn1.running_mean_0 in the port.
_VIEW_STATISTICS = re.compile(r"(\.bn\d)\.(running_mean|running_var)_(\d+)$")


def port_key_map(
    network: str, *, channels: int = 128, cells: int = 64, max_views: int = 5
) -> dict[str, Source]:
    """Map the port's names to this package's tensors, in the order of construction.

    ``bn1.T.running_mean`` stands for the port's ``bn1.running_mean_T``.

    Args:
        network: 'gru', 'resgru' or 'resgru_bn'.
        channels: Channels of the hidden grid.
        cells: Cells of the hidden grid.
        max_views: Number of views with statistics of their own, where it has norms.

    Returns:
        Published name -> name in the model that ``configs/_base_/models`` has for the
        network, and the part of that tensor.

    Raises:
        ValueError: If the network is unknown.
    """
    if network not in PORT_NETWORKS:
        known = ", ".join(PORT_NETWORKS)
        raise ValueError(f"network: expected one of {known}; found {network!r}")
    layers = PORT_NETWORKS[network]
    names: dict[str, Source] = {}
    for index, letters in enumerate(layers.stages):
        ours, depth = f"backbone.stages.{index}", min(len(letters), 2)
        _block(names, ours, "encoder", index + 1, letters, depth, norm=layers.norm)
    map_layer(names, "backbone.project", "encoder.fc7")
    for gate, name in enumerate(GATES):
        theirs = f"encoder.{name}"
        part = rows(gate, channels)
        names[f"{theirs}.bias"] = Source("fusion.gate_bias", (part,), _PER_CHANNEL)
        names[f"{theirs}.fc_layer.weight"] = Source(
            "fusion.input_map.weight", (rows(gate, channels * cells),)
        )
        merged, part = gate_convolution(gate, channels)
        names[f"{theirs}.conv3d.weight"] = Source(
            f"fusion.{merged}_conv.weight", (part,)
        )
        if layers.norm:
            map_recurrent_norms(
                names, theirs, gate, channels=channels, max_views=max_views
            )
    for index, letters in enumerate(layers.blocks):
        ours, depth = f"head.blocks.{index}", layers.depths[index]
        _block(names, ours, "decoder", index + 7, letters, depth, norm=layers.norm)
    map_layer(names, "head.to_logits", "decoder.conv11")
    return names


def _block(
    names: dict,
    ours: str,
    part: str,
    number: int,
    letters: str,
    depth: int,
    *,
    norm: bool,
):
    """Add a residual block; its last letter beyond ``depth`` is the shortcut's."""
    step = 3 if norm else 2
    for index, letter in enumerate(letters):
        suffix = f"{number}{letter}".strip()
        place, position = ("path", step * index) if index < depth else ("shortcut", 0)
        map_layer(names, f"{ours}.{place}.{position}", f"{part}.conv{suffix}")
        theirs = f"{part}.bn{suffix}"
        if norm and not _UNUSED.match(f"{theirs}."):
            keys = (*NORM_KEYS, "num_batches_tracked")
            map_layer(names, f"{ours}.{place}.{position + 1}", theirs, keys)


def convert_port(
    network: str, state: Mapping[str, Any], target: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Convert a state of the port (its ``net_state``) into this package's.

    Args:
        network: 'gru', 'resgru' or 'resgru_bn'.
        state: Published name -> array or tensor.
        target: State dict of the model that is to load the result; gives shapes.

    Returns:
        A state dict that loads strictly.

    Raises:
        CheckpointError: If a tensor is missing, left over or of another shape.
        ValueError: If the network is unknown.
    """
    names = port_key_map(network, **fusion_sizes(target))
    renamed = {
        _VIEW_STATISTICS.sub(r"\1.\3.\2", name): value
        for name, value in state.items()
        if not _UNUSED.match(name)
    }
    return fill_state(names, renamed, target, what=f"3D-R2N2 port, {network},")


def restore_port_names(
    network: str, tensors: Mapping[str, Tensor], **sizes: int
) -> dict[str, Tensor]:
    """Return tensors under the port's names, views of the given ones.

    Args:
        network: 'gru', 'resgru' or 'resgru_bn'.
        tensors: Name in this package -> tensor (parameters, gradients, buffers);
            those absent are left out.
        sizes: Sizes of the hidden grid for :func:`port_key_map`.
    """
    return restore_names(port_key_map(network, **sizes), tensors)
