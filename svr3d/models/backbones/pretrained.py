# SPDX-License-Identifier: Apache-2.0
"""Weights that somebody else trained, for a part of a network."""

import os
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from svr3d.errors import CheckpointError

_COUNTER = "num_batches_tracked"


def read_pretrained(path: str, *, what: str) -> Mapping[str, Tensor]:
    """Read a state dict from a file or a URL.

    Args:
        path: File, or URL whose file name ends in the start of its SHA-256.
        what: Whose weights they are to be, for the message.

    Raises:
        CheckpointError: If it cannot be read, or is no state dict.
    """
    try:
        if "://" in path:
            return torch.hub.load_state_dict_from_url(
                path, map_location="cpu", check_hash=True, weights_only=True
            )
        file = os.path.expanduser(path)
        state = torch.load(file, map_location="cpu", weights_only=True)
        if not isinstance(state, Mapping):
            raise TypeError(f"expected tensors by name, found {type(state).__name__}")
        return state
    except Exception as error:  # network, disk and foreign files fail in many ways
        reason = str(error).splitlines()[0][:200] if str(error) else ""
        raise CheckpointError(
            f"pretrained: expected {path} to hold {what} weights, "
            f"could not read it ({type(error).__name__}: {reason}); give another file, "
            "or None for random weights"
        ) from error


@torch.no_grad()
def load_tensors(
    module: nn.Module,
    state: Mapping[str, Tensor],
    *,
    source: str,
    prefix: str = "",
    leave_out: tuple[str, ...] = (),
) -> None:
    """Copy weights and statistics into a module, in place.

    Args:
        module: What takes them.
        state: ``<prefix><name in the module>`` -> value; what else it holds is left
            out. Counters of batches are optional, as older files have none.
        source: Where they come from, for the message.
        prefix: What precedes each name.
        leave_out: Starts of the names of tensors that keep their value.

    Raises:
        CheckpointError: If a tensor is missing or of another shape.
    """
    for name, value in module.state_dict().items():
        found = state.get(prefix + name)
        if name.startswith(leave_out) or (found is None and name.endswith(_COUNTER)):
            continue
        if found is None or found.shape != value.shape:
            shape = "no such tensor" if found is None else tuple(found.shape)
            raise CheckpointError(
                f"{source}: {prefix}{name}: expected shape {tuple(value.shape)}, "
                f"found {shape}"
            )
        value.copy_(found)
