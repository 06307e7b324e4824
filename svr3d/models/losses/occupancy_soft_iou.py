# SPDX-License-Identifier: Apache-2.0
"""One minus the intersection over union of soft occupancies at points."""

import torch
from torch import Tensor, nn

from svr3d.models.losses.point_outputs import logits_and_labels
from svr3d.models.losses.voxel_soft_iou import soft_iou
from svr3d.registry import LOSSES


@LOSSES.register_module()
class OccupancySoftIoU(nn.Module):
    """Differentiable intersection over union at the points of each sample.

    What :class:`VoxelSoftIoU` is for cells: each object counts alike, however few of
    its points are inside.
    """

    def __init__(self, weight: float = 1.0, *, smooth: float = 1.0):
        """Set up the loss.

        Args:
            weight: Factor of the mean over the batch.
            smooth: Number of points added to both counts, so that a sample without
                points inside costs nothing where none is predicted; positive.

        Raises:
            ValueError: If ``smooth`` is not positive.
        """
        super().__init__()
        if not smooth > 0:
            raise ValueError(
                f"OccupancySoftIoU: expected smooth to be positive, found {smooth}"
            )
        self.weight = weight
        self.smooth = smooth

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        """Compare a head's answers with the labels.

        Args:
            outputs: ``logits`` (B, T).
            batch: ``occupancies`` (B, T) in {0, 1}.

        Returns:
            Scalar, float32.

        Raises:
            ValueError: If there are no labels, or they differ in shape.
        """
        logits, labels = logits_and_labels(outputs, batch, self)
        iou = soft_iou(torch.sigmoid(logits), labels, self.smooth)
        return self.weight * (1 - iou).mean()
