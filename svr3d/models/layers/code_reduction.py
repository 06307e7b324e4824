# SPDX-License-Identifier: Apache-2.0
"""How codes that are coarse grids become vectors."""

from torch import Tensor

REDUCTIONS = ("mean", "flatten")


def check_reduction(reduction: str, owner: str) -> str:
    """Return a reduction that is known.

    Args:
        reduction: 'mean' or 'flatten'.
        owner: Part that was given it, for the message.

    Raises:
        ValueError: If it is unknown.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"{owner}: expected code_reduction of {REDUCTIONS}, found {reduction!r}"
        )
    return reduction


def reduce_code(code: Tensor, reduction: str) -> Tensor:
    """Make vectors (B, C) of codes that are grids; vectors stay what they are.

    Args:
        code: (B, C) or (B, C, r, r, r).
        reduction: 'mean' over the cells of a grid, or 'flatten', all of it.

    Returns:
        (B, C), or (B, C r^3) of a grid that is flattened.
    """
    if code.ndim > 2 and reduction == "mean":
        return code.flatten(2).mean(2)
    return code.flatten(1)
