# SPDX-License-Identifier: Apache-2.0
"""Names and layouts of Paddle's state dicts, in the conventions of torch."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from svr3d.errors import CheckpointError

_STATISTICS = {"_mean": "running_mean", "_variance": "running_var"}
_PER_VIEW = re.compile(r"(.+)\.(running_mean|running_var)_(\d+)")


def paddle_to_torch_names(
    state: Mapping[str, np.ndarray],
    *,
    linear: Sequence[str],
    aliases: Mapping[str, str] | None = None,
) -> dict[str, np.ndarray]:
    """Bring a Paddle state into the names and layouts of torch.

    ``_mean`` and ``_variance`` become ``running_mean`` and ``running_var``; statistics
    of view T, ``bn.running_mean_T``, become ``bn.T.running_mean``; weights of linear
    layers, (in, out) in Paddle, are transposed. Convolutions have the same layout.

    Args:
        state: Name -> array.
        linear: Ends of the names of linear weights, such as ``.fc.weight``.
        aliases: Pattern -> replacement: a name that matches as a whole belongs to a
            second reference to the layer that the replacement names, and is dropped.

    Returns:
        Name -> array.

    Raises:
        CheckpointError: If an alias differs from what it refers to.
    """
    result = {}
    for name, value in state.items():
        original = _resolve_alias(name, aliases or {})
        if original is not None:
            if original not in state or not np.array_equal(state[original], value):
                raise CheckpointError(
                    f"{name}: expected the same values as {original}, found others"
                )
            continue
        prefix, dot, last = name.rpartition(".")
        name = f"{prefix}{dot}{_STATISTICS.get(last, last)}"
        if match := _PER_VIEW.fullmatch(name):
            name = f"{match[1]}.{match[3]}.{match[2]}"
        if name.endswith(tuple(linear)) and value.ndim == 2:
            value = np.ascontiguousarray(value.T)
        result[name] = value
    return result


def _resolve_alias(name: str, aliases: Mapping[str, str]) -> str | None:
    for pattern, replacement in aliases.items():
        if match := re.fullmatch(pattern, name):
            return match.expand(replacement)
    return None
