# SPDX-License-Identifier: Apache-2.0
"""Binary cross entropy between occupancy grids."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.losses.voxel_outputs import logits_or_probabilities
from svr3d.registry import LOSSES

# The published programs clamp logarithms here, so no voxel costs more.
_LARGEST_LOG = 100.0


@LOSSES.register_module()
class VoxelBCE(nn.Module):
    """Weighted mean binary cross entropy of predicted against true voxels.

    weight * mean(-[t log p + (1 - t) log(1 - p)]), logarithms clamped at -100.
    Source: the loss of hzxie/Pix2Vox, core/train.py, whose weight is 10.
    """

    def __init__(self, weight: float = 10.0):
        """Set up the loss.

        Args:
            weight: Factor of the mean.
        """
        super().__init__()
        self.weight = weight

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        """Compare a head's output with the target.

        Args:
            outputs: ``logits`` or else ``probabilities``, (B, R, R, R).
            batch: ``voxels`` (B, R, R, R) in {0, 1}.

        Returns:
            Scalar, float32.

        Raises:
            ValueError: If prediction and target differ in shape.
        """
        predicted, target, by_logits = logits_or_probabilities(outputs, batch, self)
        if by_logits:
            # log sigmoid(x) is x up to rounding where the clamp acts.
            bounded = predicted.clamp(-_LARGEST_LOG, _LARGEST_LOG)
            loss = F.binary_cross_entropy_with_logits(bounded, target)
        else:
            # In half precision 1 - p would vanish, which autocast refuses anyway.
            with torch.autocast(predicted.device.type, enabled=False):
                loss = F.binary_cross_entropy(predicted, target)
        return self.weight * loss
