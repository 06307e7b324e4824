# SPDX-License-Identifier: Apache-2.0
"""Which samples of a batch this process has, where several processes share it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class BatchShare:
    """Samples ``first`` to ``first + count`` of the ``total`` of a global batch.

    A count of 0 means that this process computes on a stand-in, which counts nowhere.
    """

    first: int
    count: int
    total: int


_current: BatchShare | None = None


@contextmanager
def use_share(share: BatchShare | None) -> Iterator[None]:
    """Tell all layers about the share inside the context; None if it is not known."""
    global _current
    before, _current = _current, share
    try:
        yield
    finally:
        _current = before


def contributes() -> bool:
    """Return whether the samples of this process belong to the batch."""
    return _current is None or _current.count > 0


def rand_rows(samples: int, *shape: int, device: torch.device | str = "cpu") -> Tensor:
    """Draw numbers for the samples of this process, uniformly in [0, 1).

    The first process draws those of the whole batch and each takes its rows, so that
    several processes see what one would see. All must call this together.

    Args:
        samples: Samples of this process, the stand-in included.
        shape: Shape of the numbers of each.
        device: Where they are wanted. They are drawn on the CPU.

    Returns:
        (samples, \\*shape) float32.
    """
    share = _current
    if share is None or samples != max(share.count, 1):  # not the batch that is shared
        return torch.rand(samples, *shape).to(device)
    rows = torch.rand(share.total, *shape)
    if dist.is_available() and dist.is_initialized():
        rows = rows.to("cuda" if dist.get_backend() == "nccl" else "cpu")
        dist.broadcast(rows, src=0)
    first = share.first if share.count else 0
    return rows[first : first + samples].to(device)
