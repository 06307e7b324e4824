# SPDX-License-Identifier: Apache-2.0
"""What several methods make of the same images, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from svr3d.structures import Structure

from .picture_grid import picture_grid
from .shading import BLUE
from .turntable import FIRST_AZIMUTH, framing_radius, picture_mesh, turntable


def method_sheet(
    inputs: Sequence[np.ndarray],
    targets: Sequence[Structure],
    predictions: Mapping[str, Sequence[Structure]],
    *,
    titles: Sequence[str] = (),
    cell_size: int = 160,
    mode: str = "cubes",
    azimuths: Sequence[float] | None = None,
) -> np.ndarray:
    """Draw one row for each sample: input, target, each method.

    All shapes of a sample are drawn at one scale from the same camera.

    Args:
        inputs: Picture (H, W, 3) uint8 of each sample.
        targets: True shape of each sample, a batch of one.
        predictions: Method -> its shape of each sample, a batch of one with its
            threshold.
        titles: One for each sample, or none.
        cell_size: Side of a picture in pixels.
        mode: How voxels are drawn, ``cubes`` or ``smooth``.
        azimuths: View of each sample, degrees; None is the front.

    Returns:
        The sheet (H, W, 3) uint8.
    """
    rows = []
    for index, (picture, target) in enumerate(zip(inputs, targets, strict=True)):
        shapes = [target, *(shapes[index] for shapes in predictions.values())]
        shapes = [shape.cpu() for shape in shapes]
        radius = framing_radius(*(picture_mesh(shape, mode=mode) for shape in shapes))
        azimuth = FIRST_AZIMUTH if azimuths is None else float(azimuths[index])
        settings = dict(size=cell_size, mode=mode, radius=radius, first_azimuth=azimuth)
        row = [picture, *turntable(shapes[0], 1, **settings)]
        for shape in shapes[1:]:
            row.extend(turntable(shape, 1, color=BLUE, **settings))
        rows.append(row)
    return picture_grid(
        rows,
        cell_size=cell_size,
        column_titles=["Input", "Target", *predictions],
        row_titles=list(titles),
    )
