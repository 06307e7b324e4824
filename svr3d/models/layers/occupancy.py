# SPDX-License-Identifier: Apache-2.0
"""Occupancy probabilities, from whichever form a head gives them in."""

import torch
from torch import Tensor


def occupancy_probabilities(outputs: dict[str, Tensor]) -> Tensor:
    """Return the probabilities of a head's outputs.

    Args:
        outputs: ``logits`` or else ``probabilities``, any shape.

    Returns:
        Values in [0, 1] of that shape, float32.

    Raises:
        ValueError: If there is neither.
    """
    if "logits" in outputs:
        return torch.sigmoid(outputs["logits"].float())
    if "probabilities" in outputs:
        return outputs["probabilities"].float()
    raise ValueError(
        "head: expected 'logits' or 'probabilities' of voxels in its outputs, found "
        f"{', '.join(map(repr, outputs)) or 'nothing'}"
    )
