# SPDX-License-Identifier: Apache-2.0
"""Which images of a collection look most alike, by features of any kind."""

from collections.abc import Sequence

import torch
from torch import Tensor

from svr3d.errors import DataError

PUBLISHED_COUNT = 14
"""Neighbours of an image in the published list of airplanes; that of chairs has 9."""

_ROWS = 512  # whose distances to all others are held at a time


def nearest_images(
    features: Tensor,
    names: Sequence[str],
    models: Sequence[str],
    *,
    count: int = PUBLISHED_COUNT,
) -> dict[str, list[str]]:
    """Find the nearest images of each image by the Euclidean distance of features.

    Images of the same model are no neighbours. Of equally near images those of lower
    index come first.

    Args:
        features: (N, F).
        names: Of the images, N.
        models: What each image shows, N.
        count: Neighbours of each image.

    Returns:
        Names of the neighbours by name, nearest first.

    Raises:
        DataError: If features are not finite, or an image has too few others.
        ValueError: If the lengths differ or ``count`` is not positive.
    """
    if not len(features) == len(names) == len(models):
        raise ValueError(
            f"expected as many features, names and models, found {len(features)}, "
            f"{len(names)} and {len(models)}"
        )
    if count < 1:
        raise ValueError(f"count: expected at least 1, found {count}")
    if not bool(torch.isfinite(features).all()):
        raise DataError("features: expected finite numbers, found NaN or infinity")
    labels = {model: place for place, model in enumerate(dict.fromkeys(models))}
    owners = torch.tensor([labels[model] for model in models])
    features = features.double()
    neighbors = {}
    for start in range(0, len(features), _ROWS):
        rows = slice(start, start + _ROWS)
        apart = torch.cdist(features[rows], features)
        apart[owners[rows, None] == owners] = torch.inf
        ranks = apart.argsort(dim=1, stable=True)[:, :count]
        reached = apart.gather(1, ranks)
        for place, (row, distances) in enumerate(zip(ranks, reached, strict=True)):
            name = names[start + place]
            found = int(torch.isfinite(distances).sum())
            if found < count:
                raise DataError(
                    f"{name}: expected {count} images of other models, found {found}"
                )
            neighbors[name] = [names[index] for index in row.tolist()]
    return neighbors
