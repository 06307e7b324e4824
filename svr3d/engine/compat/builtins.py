# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of tensors and builtins only, which load with ``weights_only=True``.

mmengine 0.10.7 puts its HistoryBuffer objects and numpy scalars into checkpoints. Since
torch 2.6 such files no longer load, so that resuming fails. The objects become tensors
when a checkpoint is saved, and objects again when it is loaded.
"""

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer, print_log

_PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.Tensor)
_PLAIN += (torch.dtype, torch.Size, torch.device)
_HISTORY = "__history_buffer__"


def to_builtins(value: Any, path: str = "value") -> Any:
    """Return a copy of a nested value that holds tensors and builtins only.

    Args:
        value: Containers, tensors, numbers, text, numpy values, history buffers.
        path: Name of the value, for the error message.

    Raises:
        TypeError: If something else is inside, with its path.
    """
    kind = type(value)
    if kind in _PLAIN or kind is torch.nn.Parameter:
        return value
    if isinstance(value, HistoryBuffer):
        log, counts = value.data
        return {
            _HISTORY: [
                torch.from_numpy(np.array(log, dtype=np.float64)),
                torch.from_numpy(np.array(counts, dtype=np.int64)),
                int(value.max_length),
            ]
        }
    if isinstance(value, np.generic):
        return to_builtins(value.item(), path)
    if isinstance(value, np.ndarray):
        if value.dtype == object or value.dtype.kind in "US":
            return to_builtins(value.tolist(), path)
        return torch.from_numpy(value.copy())
    if isinstance(value, Mapping):
        items = {
            to_builtins(key, path): to_builtins(item, f"{path}.{key}")
            for key, item in value.items()
        }
        return OrderedDict(items) if kind is OrderedDict else items
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [to_builtins(item, f"{path}.{i}") for i, item in enumerate(value)]
        if isinstance(value, tuple):
            return tuple(items)
        return items if isinstance(value, list) else set(items)
    for base in (bool, int, float, str, torch.Tensor):
        if isinstance(value, base):  # a subclass, such as an enum of numbers
            return value.as_subclass(base) if base is torch.Tensor else base(value)
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(
        f"{path}: a checkpoint holds tensors and builtins only, found a "
        f"{kind.__module__}.{kind.__qualname__}"
    )


def plain_message_hub(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of mmengine's message hub as tensors and builtins.

    Runtime information of other kinds is left out with a warning, since any hook may
    have put it there.
    """
    information = {}
    for key, value in state["runtime_info"].items():
        try:
            information[key] = to_builtins(value, key)
        except TypeError as error:
            print_log(f"Not saved in the checkpoint: {error}", "current", 30)
    return {
        "log_scalars": to_builtins(state["log_scalars"], "log_scalars"),
        "runtime_info": information,
        "resumed_keys": to_builtins(state["resumed_keys"], "resumed_keys"),
    }


def rebuild_message_hub(state: Mapping[str, Any]) -> dict[str, Any]:
    """Undo ``plain_message_hub``: build the history buffers again."""
    scalars = OrderedDict()
    for key, value in state.get("log_scalars", {}).items():
        if isinstance(value, Mapping) and _HISTORY in value:
            log, counts, length = value[_HISTORY]
            value = HistoryBuffer(log.cpu().numpy(), counts.cpu().numpy(), length)
        scalars[key] = value
    return {
        "runtime_info": dict(state.get("runtime_info", {})),
        "resumed_keys": dict(state.get("resumed_keys", {})),
        "log_scalars": scalars,
    }
