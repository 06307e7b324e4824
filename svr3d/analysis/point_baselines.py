# SPDX-License-Identifier: Apache-2.0
"""What recognition alone achieves for points: medoids, retrieval, the nearest cloud."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from svr3d.analysis.baseline_splits import Split
from svr3d.analysis.nearest_clouds import medoids, pairwise_chamfer
from svr3d.analysis.nearest_shapes import nearest_by_views

MEDOID = "medoid of the training set"
CATEGORY_MEDOID = "medoid of the true category (oracle)"
MEDOID_CANDIDATES = 1000


def pick_clouds(
    train: Split,
    test: Split,
    *,
    retrieval: str,
    best: str | None,
    num_points: int = 2500,
    report: Callable[[str], None] = lambda message: None,
) -> tuple[dict[str, list[int]], dict[str, Any]]:
    """Return which training cloud each baseline answers with.

    The medoid, the cloud with the smallest Chamfer distances to the others, stands for
    the mean shape, which clouds do not have. Of more than a thousand training clouds
    evenly spaced ones are candidates.

    Args:
        train: Clouds and features.
        test: Clouds and features; its clouds are only looked at by oracles.
        retrieval: Name of the nearest training image.
        best: Name of the nearest training cloud; None leaves its search out, whose cost
            is the product of both splits.
        num_points: How many points of each cloud are compared, the first ones.
        report: Receives a line on progress.

    Returns:
        Name -> N training objects; and what was compared.
    """
    clouds = first_points(train.shapes, num_points)
    step = -(-len(clouds) // MEDOID_CANDIDATES)
    chosen = list(range(0, len(clouds), step))
    report(f"comparing {len(chosen)} training clouds with each other")
    distances = pairwise_chamfer(clouds[chosen])
    overall = chosen[medoids(distances, [0] * len(chosen))[0]]
    of_category = medoids(distances, [train.categories[index] for index in chosen])
    picked = {
        MEDOID: [overall] * len(test.sample_ids),
        CATEGORY_MEDOID: [
            chosen[of_category[c]] if c in of_category else overall
            for c in test.categories
        ],
        retrieval: nearest_by_views(test.features, train.features).tolist(),
    }
    if best is not None:
        report(f"comparing {len(test.shapes)} test clouds with {len(clouds)}")
        targets = first_points(test.shapes, num_points)
        picked[best] = pairwise_chamfer(targets, clouds).argmin(dim=1).tolist()
    settings = {"compared_points": clouds.shape[1], "medoid_candidates": len(chosen)}
    return picked, settings


def first_points(clouds: list[Tensor], num_points: int) -> Tensor:
    """Return the first points of all clouds, as many as the smallest has at most."""
    count = min([num_points, *map(len, clouds)])
    return torch.stack([cloud[:count] for cloud in clouds])
