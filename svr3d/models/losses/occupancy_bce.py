# SPDX-License-Identifier: Apache-2.0
"""Binary cross entropy of occupancies at points."""

import torch.nn.functional as F
from torch import Tensor, nn

from svr3d.models.losses.point_outputs import logits_and_labels
from svr3d.registry import LOSSES

_REDUCTIONS = ("sum", "mean")


@LOSSES.register_module()
class OccupancyBCE(nn.Module):
    r"""Binary cross entropy of predicted against true occupancies.

    .. math:: w \, \frac{1}{B} \sum_b \sum_t -o_{bt} \log \sigma(l_{bt})
              - (1 - o_{bt}) \log(1 - \sigma(l_{bt}))

    Summed over points, so that it grows with their number (2048 log 2 = 1419 at
    chance level), or averaged over them. Source: Mescheder et al., "Occupancy Networks"
    (CVPR 2019), equation 3, and im2mesh/onet/training.py of
    autonomousvision/occupancy_networks.
    """

    def __init__(self, weight: float = 1.0, *, reduction: str = "sum"):
        """Set up the loss.

        Args:
            weight: Factor of the mean over the batch.
            reduction: 'sum' or 'mean' over the points of a sample.

        Raises:
            ValueError: If the reduction is unknown.
        """
        super().__init__()
        if reduction not in _REDUCTIONS:
            raise ValueError(
                f"OccupancyBCE: expected reduction of {_REDUCTIONS}, found "
                f"{reduction!r}"
            )
        self.weight = weight
        self.reduction = reduction

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
        logits, target = logits_and_labels(outputs, batch, self)
        each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        each = each.sum(1) if self.reduction == "sum" else each.mean(1)
        return self.weight * each.mean()
