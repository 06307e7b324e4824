# SPDX-License-Identifier: Apache-2.0
"""Distances between predicted and true surface points, object by object."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from svr3d.ops.nearest_neighbors import nearest_both

WORST_DISTANCE = math.sqrt(3)
"""What nothing predicted is away from anything: the diagonal of the unit cube."""


@dataclass(frozen=True)
class CloudDistances:
    """How far two point sets are apart, point by point.

    Attributes:
        accuracy_squared: (N,) squared distance from each predicted point to the nearest
            true one.
        completeness_squared: (M,) from each true point to the nearest predicted one.
        accuracy_cosines: (N,) absolute cosine between a predicted point's normal and
            that of its nearest true one; None without normals.
        completeness_cosines: (M,) the same from the true points.
    """

    accuracy_squared: Tensor
    completeness_squared: Tensor
    accuracy_cosines: Tensor | None = None
    completeness_cosines: Tensor | None = None

    @property
    def accuracy(self) -> Tensor:
        """Euclidean distances (N,) from the predicted points."""
        return self.accuracy_squared.sqrt()

    @property
    def completeness(self) -> Tensor:
        """Euclidean distances (M,) from the true points."""
        return self.completeness_squared.sqrt()


def cloud_distances(
    predicted: Sequence[Tensor],
    target: Sequence[Tensor],
    *,
    predicted_normals: Sequence[Tensor | None] | None = None,
    target_normals: Sequence[Tensor] | None = None,
    worst: float = WORST_DISTANCE,
) -> list[CloudDistances]:
    """Compare the clouds of a batch; all objects and both directions in one call.

    Args:
        predicted: (N_i, 3) of each object; may be empty.
        target: (M_i, 3) of each object, not empty, of the same dtype.
        predicted_normals: (N_i, 3) each, of any length; None for an object without.
        target_normals: (M_i, 3) each, of any length.
        worst: How far nothing predicted is away.

    Returns:
        The distances of each object. Where nothing was predicted there are no
        accuracies, and all completenesses are the worst distance.

    Raises:
        ValueError: If a target is empty.
    """
    for index, cloud in enumerate(target):
        if len(cloud) == 0:
            raise ValueError(f"target[{index}]: expected at least one point")
    if predicted_normals is None:
        predicted_normals = [None] * len(predicted)
    results = [_nothing_predicted(part, worst) for part in target]
    filled = [index for index, part in enumerate(predicted) if len(part)]
    if not filled:
        return results
    x, x_lengths = _pad([predicted[index] for index in filled])
    y, y_lengths = _pad([target[index] for index in filled])
    found = nearest_both(x, y, x_lengths, y_lengths)
    for row, index in enumerate(filled):
        n, m = len(predicted[index]), len(target[index])
        to_target, target_of, to_predicted, predicted_of = (
            part[row, :size] for part, size in zip(found, (n, n, m, m), strict=True)
        )
        cosines = (None, None)
        if predicted_normals[index] is not None and target_normals is not None:
            own = normalize(predicted_normals[index], dim=1)
            true = normalize(target_normals[index].to(own), dim=1)
            cosines = (
                (own * true[target_of]).sum(1).abs(),
                (true * own[predicted_of]).sum(1).abs(),
            )
        results[index] = CloudDistances(to_target, to_predicted, *cosines)
    return results


def mean_scores(distances: CloudDistances) -> dict[str, float]:
    """Average an object's points.

    Source: ``MeshEvaluator.eval_pointcloud`` of autonomousvision/occupancy_networks.
    Differs from it for empty predictions, to which it gives other keys.

    Returns:
        'accuracy', 'completeness' (mean distance), 'accuracy2', 'completeness2' (mean
        squared distance), 'chamfer_l1' and 'chamfer_l2' (half the sum of both
        directions, Euclidean and squared), 'normals_accuracy', 'normals_completeness'
        and 'normals' (mean absolute cosine; NaN without normals). Where nothing was
        predicted the distances are the worst possible, sqrt 3 and 3, and normals -1.
    """
    empty = len(distances.accuracy) == 0
    completeness = distances.completeness.double()
    accuracy = completeness if empty else distances.accuracy.double()
    scores = {
        "accuracy": float(accuracy.mean()),
        "completeness": float(completeness.mean()),
        "accuracy2": float(accuracy.square().mean()),
        "completeness2": float(completeness.square().mean()),
    }
    scores["chamfer_l1"] = (scores["accuracy"] + scores["completeness"]) / 2
    scores["chamfer_l2"] = (scores["accuracy2"] + scores["completeness2"]) / 2
    for key in ("accuracy", "completeness"):
        cosines = getattr(distances, f"{key}_cosines")
        missing = -1.0 if empty else math.nan
        scores[f"normals_{key}"] = (
            missing if cosines is None else float(cosines.double().mean())
        )
    scores["normals"] = (
        scores["normals_accuracy"] + scores["normals_completeness"]
    ) / 2
    return scores


def f_scores(
    distances: CloudDistances,
    thresholds: Sequence[float],
    *,
    strict: bool = False,
    squared: bool = False,
) -> dict[str, list[float]]:
    """Return harmonic means of precision and recall.

    Args:
        distances: Of one object.
        thresholds: Distances within which a point counts as met.
        strict: Whether it must be nearer than the threshold, as lmb-freiburg/what3d
            asks; else it may be as far, as
            autonomousvision/convolutional_occupancy_networks asks.
        squared: Whether the thresholds are of squared distances, as those of
            ThibaultGROUEIX/AtlasNet are: its 0.001 is a distance of 0.0316.

    Returns:
        'f_score', 'precision' (share of predicted points near the target) and 'recall'
        (share of true points near the prediction), one value per threshold; the F-score
        is 0 where both are. Differs from what3d, which names precision and recall the
        other way round, and from convolutional_occupancy_networks, where 0 is NaN.
    """
    shares = []
    for direction in ("accuracy", "completeness"):
        part = getattr(distances, f"{direction}_squared" if squared else direction)
        part = part.double()
        within = [part < t if strict else part <= t for t in thresholds]
        shares.append([float(w.double().mean()) if len(part) else 0.0 for w in within])
    precision, recall = shares
    return {
        "f_score": [
            2 * p * r / (p + r) if p + r else 0.0
            for p, r in zip(precision, recall, strict=True)
        ],
        "precision": precision,
        "recall": recall,
    }


def _nothing_predicted(target: Tensor, worst: float) -> CloudDistances:
    far = torch.full((len(target),), worst * worst, dtype=torch.float64)
    return CloudDistances(far[:0], far)


def _pad(clouds: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    lengths = [len(cloud) for cloud in clouds]
    padded = torch.nn.utils.rnn.pad_sequence([c.detach() for c in clouds], True)
    return padded.contiguous(), torch.tensor(lengths, device=padded.device)
