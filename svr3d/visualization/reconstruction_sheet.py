# SPDX-License-Identifier: Apache-2.0
"""The views that went into a model beside what came out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from svr3d.structures import Structure, Voxels

from .picture_grid import picture_grid
from .shading import BLUE
from .turntable import framing_radius, picture_mesh, turntable


def reconstruction_sheet(
    inputs: Sequence[np.ndarray],
    shape: Structure,
    *,
    num_views: int = 5,
    cell_size: int = 256,
    threshold: float | None = None,
) -> np.ndarray:
    """Draw the input beside a turntable of the result.

    Voxels are drawn twice: their smooth surface, and below it the cells.

    Args:
        inputs: Pictures (H, W, 3) uint8 of one object; several share the first cell.
        shape: A batch of one sample.
        num_views: Views of the result.
        cell_size: Side of a picture in pixels.
        threshold: Level of the surface; None takes the structure's own.

    Returns:
        The sheet (H, W, 3) uint8.
    """
    shape = shape.cpu()
    modes = ("smooth", "cubes") if isinstance(shape, Voxels) else ("smooth",)
    radius = framing_radius(
        *[picture_mesh(shape, threshold=threshold, mode=mode) for mode in modes]
    )
    rows = [
        turntable(
            shape,
            num_views,
            size=cell_size,
            threshold=threshold,
            mode=mode,
            color=BLUE,
            radius=radius,
        )
        for mode in modes
    ]
    heads = [_tile(inputs, cell_size), *[None] * (len(rows) - 1)]
    count = "Input" if len(inputs) == 1 else f"Input, {len(inputs)} views"
    return picture_grid(
        [[head, *row] for head, row in zip(heads, rows, strict=True)],
        cell_size=cell_size,
        column_titles=[count, "Reconstruction"],
    )


def _tile(pictures: Sequence[np.ndarray], size: int) -> np.ndarray:
    """Put pictures into one square."""
    if len(pictures) == 1:
        return pictures[0]
    columns = math.ceil(math.sqrt(len(pictures)))
    rows = [pictures[i : i + columns] for i in range(0, len(pictures), columns)]
    return picture_grid(rows, cell_size=size // columns, gap=2)
