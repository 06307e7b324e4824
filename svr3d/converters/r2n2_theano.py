# SPDX-License-Identifier: Apache-2.0
"""Weights of chrischoy/3D-R2N2: a list of arrays in the order of construction.

Theano convolves where torch correlates, so every spatial axis of a kernel is flipped;
volumes have their channels third.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from svr3d.converters.key_map import Layout, Source, fill_state, fusion_sizes
from svr3d.converters.r2n2_port import GATES, port_key_map
from svr3d.errors import CheckpointError

THEANO_NETWORKS = ("gru", "resgru")

_IMAGE_KERNEL = Layout(lambda t: t.flip(2, 3), lambda t: t.flip(2, 3))
# (out, time, in, height, width) there.
_VOLUME_KERNEL = Layout(
    lambda t: t.transpose(1, 2).flip(2, 3, 4), lambda t: t.flip(2, 3, 4).transpose(1, 2)
)
_LINEAR = Layout(lambda t: t.mT, lambda t: t.mT)


def _gate_input(channels: int, cells: int) -> Layout:
    """Return the layout of a gate's input map, whose grid there is (D, C, H, W)."""
    side = round(cells ** (1 / 3))

    def to_ours(weight: Tensor) -> Tensor:
        grid = weight.mT.reshape(side, channels, side, side, -1)
        return grid.transpose(0, 1).reshape(channels * cells, -1)

    def to_theirs(weight: Tensor) -> Tensor:
        grid = weight.reshape(channels, side, side, side, -1)
        return grid.transpose(0, 1).reshape(channels * cells, -1).mT

    return Layout(to_ours, to_theirs)


def theano_key_map(
    network: str, *, channels: int = 128, cells: int = 64
) -> dict[str, Source]:
    """Map the program's arrays to this package's tensors, in the file's order.

    Args:
        network: 'gru' (GRUNet) or 'resgru' (ResidualGRUNet).
        channels: Channels of the hidden grid.
        cells: Cells of the hidden grid.

    Returns:
        Name of a layer and its array -> where it belongs. The names are for messages;
        files have only the order. ResidualGRUNet needs a decoder whose last block has
        the shortcut 'before_last'.

    Raises:
        ValueError: If the network is unknown.
    """
    if network not in THEANO_NETWORKS:
        known = ", ".join(THEANO_NETWORKS)
        raise ValueError(f"network: expected one of {known}; found {network!r}")
    port = port_key_map(network, channels=channels, cells=cells)
    gate_input = _gate_input(channels, cells)
    names: dict[str, Source] = {}
    for name, source in port.items():
        part, layer, *key = name.split(".")
        if layer in GATES:
            if key == ["bias"]:
                # The port names the bias first, the program makes it last.
                theirs = f"{part}.{layer}"
                conv = port[f"{theirs}.conv3d.weight"]
                linear = port[f"{theirs}.fc_layer.weight"]
                names[f"{layer}.Wh"] = conv._replace(layout=_VOLUME_KERNEL)
                names[f"{layer}.Wx"] = linear._replace(layout=gate_input)
                names[f"{layer}.b"] = source._replace(layout=None)
        elif key == ["bias"]:
            names[f"{layer}.b"] = source
        else:
            layout = _IMAGE_KERNEL if part == "encoder" else _VOLUME_KERNEL
            layout = _LINEAR if layer == "fc7" else layout
            names[f"{layer}.W"] = source._replace(layout=layout)
    return names


def convert_theano(
    network: str, arrays: Sequence[Any], target: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Convert the program's list of arrays into this package's state.

    Args:
        network: 'gru' or 'resgru'.
        arrays: The arrays in the order of construction, as in ``weights.npy``.
        target: State dict of the model that is to load the result; gives shapes.

    Returns:
        A state dict that loads strictly.

    Raises:
        CheckpointError: If there are more or fewer arrays, or one has another shape.
        ValueError: If the network is unknown.
    """
    sizes = fusion_sizes(target)
    sizes.pop("max_views", None)  # of norms, which none of the networks has
    names = theano_key_map(network, **sizes)
    if len(arrays) != len(names):
        raise CheckpointError(
            f"3D-R2N2 weights, {network}: expected {len(names)} arrays, "
            f"found {len(arrays)}"
        )
    state = dict(zip(names, arrays, strict=True))
    return fill_state(names, state, target, what=f"3D-R2N2, {network},")


def to_theano_arrays(network: str, tensors: Mapping[str, Tensor]) -> list[np.ndarray]:
    """Return a model's weights as the program would have saved them.

    Args:
        network: 'gru' or 'resgru'.
        tensors: State dict of the model.
    """
    names = theano_key_map(network, **fusion_sizes(tensors))
    return [
        np.ascontiguousarray(source.published(tensors).detach().numpy())
        for source in names.values()
    ]
