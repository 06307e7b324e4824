# SPDX-License-Identifier: Apache-2.0
"""Files of Occupancy Networks' programs: the authors' and the Lightning one's."""

import os
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from svr3d.errors import CheckpointError
from svr3d.io.foreign_checkpoints import read_torch_file

# The Lightning program's module holds each network twice, once inside ``net``.
_WHOLE = "net."
# Lightning notes its callbacks by class, and settings as objects of its own.
_LIGHTNING = ("pytorch_lightning.", "lightning.", "lightning_fabric.", "argparse.N")


def read_occnet(path: str | os.PathLike) -> dict[str, Tensor]:
    """Read a checkpoint of the authors' program without running code of its pickle.

    Args:
        path: The ``.pt`` file: tensors by name, or under ``model`` beside the
            optimiser's state and counters.

    Returns:
        ``<part>.<name>`` -> tensor, the parts being ``encoder``, ``encoder_latent``
        and ``decoder``.

    Raises:
        CheckpointError: If the file is missing, broken or of another kind, or holds
            more than tensors, builtins and numbers.
    """
    # The best validation figure is a number of numpy.
    content = read_torch_file(path, numbers=True)
    return published_state(content, key="model", source=str(path))


def read_occnet_lightning(path: str | os.PathLike) -> dict[str, Tensor]:
    """Read a checkpoint of the Lightning program without running code of its pickle.

    Args:
        path: The ``.ckpt`` file.

    Returns:
        As :func:`read_occnet`.

    Raises:
        CheckpointError: If the file is missing, broken or of another kind, or holds
            objects other than tensors, builtins, numbers and Lightning's.
    """
    content = read_torch_file(path, numbers=True, emptied=_LIGHTNING)
    return published_state(content, key="state_dict", source=str(path))


def published_state(content: Any, *, key: str, source: str) -> dict[str, Tensor]:
    """Collect the weights of a published checkpoint under one set of names.

    Args:
        content: A state dict, or a dictionary that holds it; names may start with
            ``module.``, as wrappers for several GPUs leave it.
        key: Where it lies in such a dictionary.
        source: Where it comes from, for messages.

    Returns:
        ``<part>.<name>`` -> tensor.

    Raises:
        CheckpointError: If there is no such state, or no decoder in it.
    """
    state = content
    if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
        state = content[key]
    if not isinstance(state, Mapping) or not all(
        isinstance(value, Tensor) for value in state.values()
    ):
        found = f"a {type(content).__name__}"
        if isinstance(content, Mapping):
            found = ", ".join(map(repr, list(content)[:8])) or "nothing"
        raise CheckpointError(
            f"{source}: expected tensors by name, or a dictionary that has them under "
            f"{key!r}; found {found}"
        )
    named = {name.removeprefix("module."): value for name, value in state.items()}
    if any(name.startswith(_WHOLE) for name in named):
        named = {
            name.removeprefix(_WHOLE).removeprefix("module."): value
            for name, value in named.items()
            if name.startswith(_WHOLE)
        }
    if not any(name.startswith("decoder.") for name in named):
        found = ", ".join(list(named)[:5]) or "nothing"
        raise CheckpointError(
            f"{source}: expected the tensors of a decoder (names in decoder.), "
            f"found {found}"
        )
    return named
