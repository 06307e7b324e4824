# SPDX-License-Identifier: Apache-2.0
"""Pictures of part labels, and clouds without what lies far outside."""

from __future__ import annotations

import numpy as np

_PARTS = (
    (0, 0, 0),
    (0, 0, 64),
    (0, 128, 0),
    (0, 128, 128),
    (128, 0, 0),
    (128, 0, 128),
    (128, 128, 0),
    (128, 128, 128),
)


def part_picture(labels: np.ndarray) -> np.ndarray:
    """Colour a map of part labels.

    Source: ``labels2img`` in ``src/utils/helper_funcs.py`` of klnavaneet/ssl_3d_recon.

    Args:
        labels: (..., H, W) integers, 0 where there is nothing; 7 parts have colours of
            their own, label 8 has that of label 1, and so on.

    Returns:
        (..., H, W, 3) uint8.

    Raises:
        ValueError: If a label is negative or no integer.
    """
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" or (labels.size and labels.min() < 0):
        raise ValueError(
            f"labels: expected integers from 0, found {labels.dtype}"
            + (f" from {labels.min()}" if labels.size else "")
        )
    parts = len(_PARTS) - 1
    wrapped = np.where(labels > 0, (labels - 1) % parts + 1, 0)
    return np.array(_PARTS, np.uint8)[wrapped]


def without_outliers(points: np.ndarray, *, limit: float = 0.5) -> np.ndarray:
    """Put points that lie outside a cube at the first point, as published pictures do.

    For pictures alone: single points far away would make the others small.

    Args:
        points: (N, 3).
        limit: Half of the cube's side.
    """
    points = np.array(points)
    points[(np.abs(points) > limit).any(axis=1)] = points[0]
    return points
