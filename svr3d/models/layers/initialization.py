# SPDX-License-Identifier: Apache-2.0
"""Weight initialisation by published recipes."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def xavier_uniform(weight: Tensor, *, groups: int = 1) -> None:
    """Fill a weight uniformly within sqrt(6 / ((in + out) * kernel volume)).

    Args:
        weight: (out, in, ...) in place.
        groups: Number of equal blocks along axis 0 that are layers of their own
            (merged gates), each drawn with its own fan.
    """
    volume = math.prod(weight.shape[2:])
    fans = (weight.shape[0] // groups + weight.shape[1]) * volume
    bound = math.sqrt(6.0 / fans)
    with torch.no_grad():
        weight.uniform_(-bound, bound)


def he_normal(weight: Tensor) -> None:
    """Fill a weight with N(0, 2 / (in * kernel volume)), in place.

    Args:
        weight: (out, in, ...).
    """
    fan_in = weight.shape[1] * math.prod(weight.shape[2:])
    with torch.no_grad():
        weight.normal_(0.0, math.sqrt(2.0 / fan_in))


def small_normal(weight: Tensor) -> None:
    """Fill the weight of a linear layer with N(0, 0.01^2), in place.

    Args:
        weight: (out, in).
    """
    with torch.no_grad():
        weight.normal_(0.0, 0.01)


def _small_or_he_normal(weight: Tensor) -> None:
    """Fill that of a linear layer by the one, of a transposed one by the other."""
    (small_normal if weight.dim() == 2 else he_normal)(weight)


def unit_uniform(weight: Tensor) -> None:
    """Fill a weight uniformly within sqrt(3 / (in * kernel volume)), in place.

    Args:
        weight: (out, in, ...).
    """
    bound = math.sqrt(3.0 / math.prod(weight.shape[1:]))
    with torch.no_grad():
        weight.uniform_(-bound, bound)


def truncated_normal(weight: Tensor) -> None:
    """Fill a weight with N(0, 0.02^2) cut at two standard deviations, in place.

    Args:
        weight: (out, in).
    """
    nn.init.trunc_normal_(weight, std=0.02, a=-0.04, b=0.04)


def choy_normal(
    weight: Tensor, *, groups: int = 1, fan_out_leaves_out: int = 1
) -> None:
    """Fill a weight with N(0, 2 / n), n the mean of two fans, in place.

    Args:
        weight: (out, in, ...).
        groups: Number of equal blocks along axis 0 that are layers of their own
            (merged gates), each drawn with its own fan.
        fan_out_leaves_out: Axis of ``weight`` that the second fan leaves out of the
            product of all; the first fan leaves out axis 0.
    """
    shape = (weight.shape[0] // groups, *weight.shape[1:])
    size = math.prod(shape)
    fans = size // shape[0] + size / shape[fan_out_leaves_out]
    with torch.no_grad():
        weight.normal_(0.0, math.sqrt(4.0 / fans))


def choy_port_normal(weight: Tensor, *, groups: int = 1) -> None:
    """Fill a weight as ``choy_normal``, volumes' kernels with the port's second fan.

    The Theano program stores those kernels as (out, time, in, ...) and leaves axis 2
    out. The port does the same with kernels (out, in, time, ...), so its second fan is
    out * in * 9 where 3x3x3 kernels have out * 27.

    Args:
        weight: (out, in, ...), in place.
        groups: Number of equal blocks along axis 0 that are layers of their own.
    """
    axis = 2 if weight.dim() == 5 else 1
    choy_normal(weight, groups=groups, fan_out_leaves_out=axis)


# Recipe -> role of the network part -> (convolutions, linear and transposed).
# 'paddle': the PaddlePaddle 2.0 program of Res3D-GRU-3, whose decoder keeps that
# framework's defaults. 'theano': chrischoy/3D-R2N2, lib/layers.py. 'port':
# heromanba/3D-R2N2-PyTorch.
# 'tflearn': klnavaneet/ssl_3d_recon, which keeps the defaults of tflearn.
# 'pix2vox': hzxie/Pix2Vox, utils/network_utils.py, alike for all parts. Its rule takes
# axis 1 of a transposed convolution, which is its output, for the fan-in.
INITIALIZATIONS: dict[str, dict[str, tuple[Callable, Callable]]] = {
    "paddle": {
        "encoder": (xavier_uniform, xavier_uniform),
        "recurrent": (xavier_uniform, xavier_uniform),
        "decoder": (he_normal, xavier_uniform),
    },
    "pix2vox": {
        role: (he_normal, _small_or_he_normal)
        for role in ("encoder", "fusion", "decoder", "refiner")
    },
    "theano": dict.fromkeys(
        ("encoder", "recurrent", "decoder"), (choy_normal, choy_normal)
    ),
    "tflearn": dict.fromkeys(("encoder", "decoder"), (unit_uniform, truncated_normal)),
    "port": dict.fromkeys(
        ("encoder", "recurrent", "decoder"), (choy_port_normal, choy_port_normal)
    ),
}

# Recipe -> initial bias of convolutions and linear layers, where it is not 0.
_BIASES = {"theano": 0.1, "port": 0.1}


def initializers(recipe: str, role: str) -> tuple[Callable, Callable]:
    """Return the functions that fill convolutions, and linear or transposed layers.

    Args:
        recipe: A key of ``INITIALIZATIONS``.
        role: 'encoder', 'recurrent', 'fusion', 'decoder' or 'refiner'.

    Raises:
        ValueError: If the recipe is unknown, or has nothing for that role.
    """
    if recipe not in INITIALIZATIONS:
        known = ", ".join(sorted(INITIALIZATIONS))
        raise ValueError(f"initialization: expected one of {known}; found {recipe!r}")
    if role not in INITIALIZATIONS[recipe]:
        raise ValueError(f"initialization: {recipe!r} has no recipe for {role} parts")
    return INITIALIZATIONS[recipe][role]


def initialize(module: nn.Module, recipe: str | None, role: str) -> None:
    """Initialise all convolutions and linear layers of a module, biases too.

    Args:
        module: Module to fill, in place. Norm layers keep their 1 / 0.
        recipe: A key of ``INITIALIZATIONS``; None leaves what PyTorch drew.
        role: 'encoder', 'recurrent', 'fusion', 'decoder' or 'refiner'.
    """
    if recipe is None:
        return
    convolution, linear = initializers(recipe, role)
    for layer in module.modules():
        if isinstance(layer, _CONVOLUTIONS):
            convolution(layer.weight)
        elif isinstance(layer, (nn.Linear, *_TRANSPOSED)):
            linear(layer.weight)
        else:
            continue
        if layer.bias is not None:
            nn.init.constant_(layer.bias, _BIASES.get(recipe, 0.0))
