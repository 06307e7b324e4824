# SPDX-License-Identifier: Apache-2.0
"""Codes between codes."""

from __future__ import annotations

import torch
from torch import Tensor


def code_path(codes: Tensor, steps: int) -> Tensor:
    """Return codes on the way from each to the next, in equal steps.

    Source: mode ``interpolation`` of bomb2peng/learn3D, ``3D-GAN.py``, which takes five
    steps between two codes.

    Args:
        codes: (K, ...) of at least two stops.
        steps: From one stop to the next.

    Returns:
        ((K - 1) steps + 1, ...), from the first stop to the last.

    Raises:
        ValueError: If there is nothing between, or no step.
    """
    if len(codes) < 2 or steps < 1:
        raise ValueError(
            f"path: expected at least 2 codes and 1 step, found {len(codes)} and "
            f"{steps}"
        )
    shares = torch.arange(steps, device=codes.device, dtype=codes.dtype) / steps
    shares = shares.view(1, -1, *[1] * (codes.ndim - 1))
    between = codes[:-1, None] + (codes[1:] - codes[:-1])[:, None] * shares
    return torch.cat([between.flatten(0, 1), codes[-1:]])
