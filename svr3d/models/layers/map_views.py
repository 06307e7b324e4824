# SPDX-License-Identifier: Apache-2.0
"""Application of a module to each of several views."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

Output = TypeVar("Output", Tensor, dict[str, Tensor])

WAYS = ("together", "one_by_one")


def check_way(way: str, argument: str) -> None:
    """Raise ValueError unless ``way`` is 'together' or 'one_by_one'."""
    if way not in WAYS:
        raise ValueError(
            f"{argument}: expected 'together' or 'one_by_one', found {way!r}"
        )


def map_views(
    module: Callable[[Tensor], Output],
    flat: Tensor,
    views: int,
    *,
    one_by_one: bool,
) -> Output:
    """Apply a module to all views of all samples.

    Args:
        module: (N, ...) -> (N, ...), or a dict of such tensors.
        flat: (B*V, ...), the views of a sample next to each other.
        views: Number of views V.
        one_by_one: Whether the module is called once per view position, so that its
            batch norms see one of them at a time.

    Returns:
        (B, V, ...), or a dict of such tensors.
    """
    if one_by_one:
        each = [module(flat[view::views]) for view in range(views)]
        if isinstance(each[0], dict):
            return {
                key: torch.stack([output[key] for output in each], dim=1)
                for key in each[0]
            }
        return torch.stack(each, dim=1)
    output = module(flat)
    if isinstance(output, dict):
        return {key: value.unflatten(0, (-1, views)) for key, value in output.items()}
    return output.unflatten(0, (-1, views))
