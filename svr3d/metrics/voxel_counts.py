# SPDX-License-Identifier: Apache-2.0
"""Comparison of occupancy grids, sample by sample."""

from collections.abc import Sequence

import torch
from torch import Tensor

COUNT_NAMES = ("xor", "intersection", "union", "false_positives", "false_negatives")


def voxel_counts(
    probabilities: Tensor, target: Tensor, thresholds: Sequence[float]
) -> Tensor:
    """Count how predicted and true voxels, or labels of points, overlap.

    A voxel is predicted where its probability is >= the threshold, compared in
    float32. Source: ``evaluate_voxel_prediction`` of chrischoy/3D-R2N2, lib/voxel.py.

    Args:
        probabilities: (B, R, R, R) in [0, 1], or (B, P) of points.
        target: The same shape, in {0, 1}.
        thresholds: T values.

    Returns:
        int64 (B, T, 5) in the order of ``COUNT_NAMES``.

    Raises:
        ValueError: If the shapes differ.
    """
    if probabilities.shape != target.shape:
        raise ValueError(
            f"voxels: expected the target's shape {tuple(target.shape)}, found "
            f"predictions of shape {tuple(probabilities.shape)}"
        )
    values = probabilities.flatten(1).float()
    truth = target.flatten(1) > 0
    filled = truth.sum(dim=1)
    counts = []
    for threshold in thresholds:
        predicted = values >= threshold
        both = (predicted & truth).sum(dim=1)
        positives = predicted.sum(dim=1) - both
        negatives = filled - both
        counts.append(
            torch.stack(
                [
                    positives + negatives,
                    both,
                    both + positives + negatives,
                    positives,
                    negatives,
                ],
                dim=1,
            )
        )
    return torch.stack(counts, dim=1)


def counts_to_iou(counts: Tensor, *, empty: float = 1.0) -> Tensor:
    """Return intersection over union.

    Args:
        counts: (..., 5) from :func:`voxel_counts`.
        empty: Value where neither has anything inside; NaN in some programs.

    Returns:
        float64 (...).
    """
    intersection, union = counts[..., 1].double(), counts[..., 2].double()
    return torch.where(union > 0, intersection / union.clamp(min=1), empty)


def mean_bce(probabilities: Tensor, target: Tensor) -> Tensor:
    """Return each sample's mean binary cross entropy, logarithms clamped at -100.

    Args:
        probabilities: (B, R, R, R) in [0, 1].
        target: (B, R, R, R) in {0, 1}.

    Returns:
        float32 (B,).
    """
    values = probabilities.flatten(1).float()
    truth = target.flatten(1).to(values)
    loss = torch.nn.functional.binary_cross_entropy(values, truth, reduction="none")
    return loss.mean(dim=1)


def average_precision(probabilities: Tensor, target: Tensor) -> Tensor:
    """Return the area under each sample's precision-recall steps.

    AP = sum over distinct probabilities, descending, of (R_n - R_(n-1)) P_n, as
    scikit-learn's ``average_precision_score``; 0 where nothing is occupied.

    Args:
        probabilities: (B, R, R, R).
        target: (B, R, R, R) in {0, 1}.

    Returns:
        float64 (B,).
    """
    results = []
    for values, truth in zip(
        probabilities.flatten(1).float(), target.flatten(1) > 0, strict=True
    ):
        ordered, order = values.sort(descending=True)
        hits = truth[order].double().cumsum(0)
        # Equal probabilities enter together: keep the last of each run.
        last = torch.ones_like(ordered, dtype=torch.bool)
        last[:-1] = ordered[1:] != ordered[:-1]
        ranks = torch.arange(1, len(values) + 1, device=values.device)[last]
        hits = hits[last]
        recall = hits / hits[-1].clamp(min=1)
        steps = torch.diff(recall, prepend=recall.new_zeros(1))
        results.append((steps * hits / ranks).sum())
    return torch.stack(results)
