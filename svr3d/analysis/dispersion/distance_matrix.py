# SPDX-License-Identifier: Apache-2.0
"""Distances between all samples of a set: clouds by Chamfer, features by squares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from svr3d.analysis.dispersion.matrix_file import content_hash, fill_symmetric
from svr3d.errors import DataError
from svr3d.ops import chamfer_distance

CLOUD_BLOCK = 64
FEATURE_BLOCK = 1024
# Points of one side of the pairs that are compared in one call.
_POINTS_PER_CALL = {"cpu": 1 << 17, "cuda": 1 << 24}
_FEATURES_AT_ONCE = 1 << 14


def cloud_distances_matrix(
    clouds: np.ndarray,
    *,
    path: str | Path | None = None,
    device: str | torch.device = "cpu",
    block: int = CLOUD_BLOCK,
    progress: bool = False,
) -> np.ndarray:
    """Compute the Chamfer distance of every pair of clouds.

    The published distance of shapes: squared Euclidean distances to the nearest
    point, the mean over the points of each cloud, both directions added. Of two
    independent samples of one surface it is about ``2 A / (pi P)`` for the area A and
    P points, so that sets compare only at one number of points.

    Each pair is compared once. On CPUs the search trees of :mod:`svr3d.ops` take the
    threads that torch has.

    Args:
        clouds: (N, P, 3) float32, in memory or mapped.
        path: ``.npy`` file of the matrix, see :func:`fill_symmetric`; None keeps it in
            memory.
        device: Where distances are computed.
        block: Clouds along the side of a block, the unit of progress and of restarts.
        progress: Whether to show a progress bar.

    Returns:
        float32 (N, N).

    Raises:
        DataError: If the clouds are of another form or hold a number that is not
            finite.
    """
    clouds = _checked(clouds, "clouds", "(N, P, 3)", 3)
    if clouds.shape[2] != 3 or 0 in clouds.shape:
        raise DataError(f"clouds: expected (N, P, 3), found shape {clouds.shape}")
    device = torch.device(device)
    points = _POINTS_PER_CALL.get(device.type, _POINTS_PER_CALL["cpu"])
    at_once = max(1, points // clouds.shape[1])

    def compute(rows: slice, columns: slice) -> np.ndarray:
        left, right = (
            torch.from_numpy(np.array(clouds[part])).to(device)
            for part in (rows, columns)
        )
        shape = (len(left), len(right))
        if rows == columns:
            i, j = torch.triu_indices(*shape, offset=1, device=device)
        else:
            i, j = torch.ones(shape, device=device).nonzero().unbind(1)
        found = torch.zeros(shape, device=device)
        for start in range(0, len(i), at_once):
            a, b = i[start : start + at_once], j[start : start + at_once]
            found[a, b] = chamfer_distance(left[a], right[b], batch="none").float()
        return found.cpu().numpy()

    return fill_symmetric(
        len(clouds),
        compute,
        block=block,
        path=path,
        content=path and {"distance": "chamfer", "clouds": content_hash(clouds)},
        progress="distances of shapes" if progress else "",
    )


def feature_distances_matrix(
    features: np.ndarray,
    *,
    path: str | Path | None = None,
    device: str | torch.device = "cpu",
    block: int = FEATURE_BLOCK,
    progress: bool = False,
) -> np.ndarray:
    """Compute the mean squared difference of every pair of features.

    Through scalar products in float64, so that equal features are 0 apart but for
    rounding; negative results of that rounding become 0.

    Args:
        features: (N, F) of any floating type, in memory or mapped.
        path: ``.npy`` file of the matrix, see :func:`fill_symmetric`; None keeps it in
            memory.
        device: Where distances are computed; it must know float64.
        block: Samples along the side of a block.
        progress: Whether to show a progress bar.

    Returns:
        float32 (N, N).

    Raises:
        DataError: If the features are of another form or hold a number that is not
            finite.
    """
    features = _checked(features, "features", "(N, F)", 2)
    if 0 in features.shape:
        raise DataError(f"features: expected (N, F), found shape {features.shape}")
    length = features.shape[1]

    def compute(rows: slice, columns: slice) -> np.ndarray:
        total = 0.0
        for start in range(0, length, _FEATURES_AT_ONCE):
            part = slice(start, start + _FEATURES_AT_ONCE)
            left, right = (
                torch.from_numpy(np.array(features[samples, part])).to(device).double()
                for samples in (rows, columns)
            )
            squares = left.square().sum(1)[:, None] + right.square().sum(1)
            total = total + (squares - 2 * left @ right.T)
        return (total / length).clamp(min=0).cpu().numpy()

    return fill_symmetric(
        len(features),
        compute,
        block=block,
        path=path,
        content=path
        and {"distance": "mean squared", "features": content_hash(features)},
        progress="distances of images" if progress else "",
    )


def _checked(values: np.ndarray, name: str, form: str, axes: int) -> np.ndarray:
    if not isinstance(values, np.ndarray):
        values = np.asarray(values)
    if values.ndim != axes or not np.issubdtype(values.dtype, np.floating):
        raise DataError(
            f"{name}: expected {form} floating point, found shape {values.shape} of "
            f"{values.dtype}"
        )
    if axes == 3 and values.dtype != np.float32:
        values = values.astype(np.float32)
    for index, sample in enumerate(values):
        if not np.isfinite(sample).all():
            raise DataError(
                f"{name}[{index}]: expected finite numbers, found NaN or infinity"
            )
    return values
