# SPDX-License-Identifier: Apache-2.0
"""Activations by the names that AtlasNet gives them."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu_,
    "sigmoid": F.sigmoid,
    "softplus": F.softplus,
    "logsigmoid": F.logsigmoid,
    "softsign": F.softsign,
    "tanh": F.tanh,
}
"""Name -> function; relu writes over what it is given."""


def find_activation(name: str, owner: str) -> Callable[[Tensor], Tensor]:
    """Return the activation of a name.

    Args:
        name: A key of ``ACTIVATIONS``.
        owner: Part that was given it, for the message.

    Raises:
        ValueError: If it is unknown.
    """
    if name not in ACTIVATIONS:
        raise ValueError(
            f"{owner}: expected activation of {', '.join(ACTIVATIONS)}; found {name!r}"
        )
    return ACTIVATIONS[name]
