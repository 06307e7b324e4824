# SPDX-License-Identifier: Apache-2.0
"""The mean shape of a training set, of all of it or of each category."""

from collections.abc import Sequence

import torch
from torch import Tensor

from svr3d.analysis.nearest_shapes import pairwise_iou

THRESHOLDS = tuple(step / 20 for step in range(1, 20))


class MeanShape:
    """Mean occupancy of training shapes, cut at the threshold that suits others best.

    Attributes:
        overall: Mean of all shapes, (R, R, R).
        of_category: Mean per category; empty unless asked for.
        threshold: Where the mean counts as occupied.
    """

    def __init__(
        self, volumes: Tensor, categories: Sequence[int] | None = None, *, by: str = ""
    ):
        """Average shapes.

        Args:
            volumes: (N, R, R, R) in {0, 1}.
            categories: Category of each.
            by: 'category' for a mean per category, '' for one of all.
        """
        self.overall = volumes.float().mean(dim=0)
        self.of_category: dict[int, Tensor] = {}
        self.threshold = 0.5
        if by == "category":
            labels = torch.as_tensor(categories)
            self.of_category = {
                int(label): volumes[labels == label].float().mean(dim=0)
                for label in labels.unique()
            }

    def probabilities(self, category: int) -> Tensor:
        """Return the mean shape for a category, (R, R, R)."""
        return self.of_category.get(category, self.overall)

    def choose_threshold(self, volumes: Tensor, categories: Sequence[int]) -> float:
        """Set the threshold to the one with the largest mean IoU on other shapes.

        Args:
            volumes: (N, R, R, R) in {0, 1}, not those of training or test.
            categories: Category of each.

        Returns:
            The threshold, a multiple of 0.05.
        """
        totals = torch.zeros(len(THRESHOLDS))
        labels = torch.as_tensor(categories)
        for label in labels.unique():
            mean = self.probabilities(int(label))
            cut = torch.stack([mean >= threshold for threshold in THRESHOLDS])
            totals += pairwise_iou(volumes[labels == label], cut).sum(dim=0)
        self.threshold = THRESHOLDS[int(totals.argmax())]
        return self.threshold

    def predict(self, category: int) -> Tensor:
        """Return the cut mean shape for a category, float (R, R, R) in {0, 1}."""
        return (self.probabilities(category) >= self.threshold).float()
