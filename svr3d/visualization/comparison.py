# SPDX-License-Identifier: Apache-2.0
"""Input, target and prediction side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from svr3d.structures import Structure, Voxels

from .picture_grid import picture_grid
from .shading import BLUE
from .turntable import FIRST_AZIMUTH, framing_radius, picture_mesh, turntable


def comparison_grid(
    inputs: Sequence[np.ndarray | None],
    predictions: Structure,
    targets: Structure | None = None,
    *,
    titles: Sequence[str] = (),
    num_views: int = 1,
    cell_size: int = 160,
    threshold: float | None = None,
    mode: str = "cubes",
    azimuths: Sequence[float] | None = None,
) -> np.ndarray:
    """Draw one row for each sample: input, target, prediction.

    Target and prediction of a sample are drawn at one scale from the same cameras.

    Args:
        inputs: Picture (H, W, 3) uint8 of each sample, or None.
        predictions: What the model gave for each sample.
        targets: The true shapes, or None.
        titles: One for each sample, or none.
        num_views: Views of target and of prediction.
        cell_size: Side of a picture in pixels.
        threshold: Level of the surface of predictions; None takes their own.
        mode: How voxels are drawn, ``cubes`` or ``smooth``.
        azimuths: Of each sample's first view, degrees; None is the front.

    Returns:
        The sheet (H, W, 3) uint8.
    """
    rows = []
    for index, prediction in enumerate(predictions.cpu()):
        target = None if targets is None else targets[index].cpu()
        radius = framing_radius(
            *[
                picture_mesh(shape, threshold=level, mode=mode)
                for shape, level in ((prediction, threshold), (target, 0.5))
                if shape is not None
            ]
        )
        azimuth = FIRST_AZIMUTH if azimuths is None else azimuths[index]
        settings = dict(
            size=cell_size, mode=mode, radius=radius, first_azimuth=float(azimuth)
        )
        row = [inputs[index]]
        if target is not None:
            row += [*turntable(target, num_views, threshold=0.5, **settings)]
        drawn = turntable(
            prediction, num_views, threshold=threshold, color=BLUE, **settings
        )
        rows.append([*row, *drawn])
    blank = [""] * (num_views - 1)
    columns = ["Input"]
    columns += ["Target", *blank] if targets is not None else []
    columns += ["Prediction", *blank]
    return picture_grid(
        rows, cell_size=cell_size, column_titles=columns, row_titles=list(titles)
    )


def voxel_iou(left: Voxels, right: Voxels, *, threshold: float) -> float:
    """Return one sample's intersection over union, 1 where both are empty.

    Args:
        left: Prediction, cut at the threshold.
        right: Target, cut at 0.5.
        threshold: Of the prediction.
    """
    first = left.binary(threshold)
    second = right.binary(0.5).to(first.device)
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 1.0
