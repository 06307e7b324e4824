# SPDX-License-Identifier: Apache-2.0
"""Fusion of the volumes that a head makes of single views."""

from torch import Tensor

from svr3d.models.fusion.view_pooling import ViewPooling
from svr3d.models.layers.occupancy import occupancy_probabilities


def fuse_volumes(fusion: ViewPooling, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Make one volume of those of several views.

    Args:
        fusion: What weighs the views in each voxel.
        outputs: What a head made of each view: ``logits`` or ``probabilities``
            (B, V, R, R, R), and where it has them ``features`` (B, V, K, R, R, R),
            which are the context that the fusion may choose by.

    Returns:
        ``probabilities`` (B, R, R, R) in [0, 1].

    Raises:
        ValueError: If the head's outputs are no volumes.
    """
    volumes = occupancy_probabilities(outputs)
    fused = fusion(volumes.unsqueeze(2), outputs.get("features")).squeeze(1)
    # Rounding may take a weighted mean of probabilities out of their range.
    return {"probabilities": fused.clamp(0.0, 1.0)}
