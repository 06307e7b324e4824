# SPDX-License-Identifier: Apache-2.0
"""One minus the intersection over union of soft occupancies."""

import torch
from torch import Tensor, nn

from svr3d.models.losses.voxel_outputs import logits_or_probabilities
from svr3d.registry import LOSSES


def soft_iou(probabilities: Tensor, target: Tensor, smooth: float) -> Tensor:
    """Return the soft intersection over union of each sample (B,).

    Args:
        probabilities: (B, N) in [0, 1].
        target: (B, N) in {0, 1}.
        smooth: Added to both counts.
    """
    shared = (probabilities * target).sum(1)
    union = (probabilities + target).sum(1) - shared
    return (shared + smooth) / (union + smooth)


@LOSSES.register_module()
class VoxelSoftIoU(nn.Module):
    r"""Differentiable intersection over union of predicted and true voxels.

    .. math:: w \, \frac{1}{B} \sum_b \Bigl(1 - \frac{\sum_v p_v t_v + s}
              {\sum_v (p_v + t_v - p_v t_v) + s}\Bigr)

    Unlike cross entropy, which sums over cells, it weighs each object alike: a thin
    sword counts as much as a house. Source: Rahman and Wang, "Optimizing intersection
    over union in deep neural networks for image segmentation" (2016), equation 3.
    """

    def __init__(self, weight: float = 1.0, *, smooth: float = 1.0):
        """Set up the loss.

        Args:
            weight: Factor of the mean over the batch.
            smooth: Number of cells s added to both counts, so that an empty object
                that is predicted empty costs nothing; positive.

        Raises:
            ValueError: If ``smooth`` is not positive.
        """
        super().__init__()
        if not smooth > 0:
            raise ValueError(
                f"VoxelSoftIoU: expected smooth to be positive, found {smooth}"
            )
        self.weight = weight
        self.smooth = smooth

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
        values, target, by_logits = logits_or_probabilities(outputs, batch, self)
        probabilities = torch.sigmoid(values) if by_logits else values
        iou = soft_iou(probabilities.flatten(1), target.flatten(1), self.smooth)
        return self.weight * (1 - iou).mean()
