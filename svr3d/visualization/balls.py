# SPDX-License-Identifier: Apache-2.0
"""Clouds as shaded balls, nearer ones over farther ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BALL_COLOR = (30, 144, 255)
"""RGB of balls without a colour of their own."""

_FARTHEST = 0.3  # light of the farthest balls


def draw_balls(
    pixels: np.ndarray,
    colors: np.ndarray | Sequence[float] = BALL_COLOR,
    *,
    size: int,
    radius: int = 3,
    ambient: float = 0.0,
    over: np.ndarray | None = None,
) -> np.ndarray:
    """Draw points as half balls that are lit from the eye and by nearness.

    A pixel shows the ball whose surface is nearest there, the first of equals, with
    its colour times ``dz / radius`` and times 0.3 (farthest) to 1 (nearest). Source:
    ``render_balls_so.cpp`` of klnavaneet/ssl_3d_recon, from fanhqme/PointSetGeneration.

    Args:
        pixels: (N, 3) row, column and nearness, in pixels; truncated to integers.
        colors: RGB (N, 3) of 0 to 255, or one (3,) for all.
        size: Rows and columns of the picture.
        radius: Of the balls in pixels, at least 1.
        ambient: Share of light that depends neither on the ball nor on nearness, 0 as
            published to 1.
        over: Picture (size, size, 3) uint8 to draw on; black by default. Balls lie in
            front of all that it shows.

    Returns:
        (size, size, 3) uint8 RGB.

    Raises:
        ValueError: If a shape is wrong or the radius less than 1.
    """
    pixels = np.asarray(pixels)
    if pixels.ndim != 2 or pixels.shape[1] != 3:
        raise ValueError(f"pixels: expected (N, 3), found {pixels.shape}")
    if radius < 1:
        raise ValueError(f"radius: expected at least 1, found {radius}")
    colors = np.broadcast_to(np.asarray(colors, np.float64), pixels.shape)
    picture = np.zeros((size, size, 3), np.uint8) if over is None else over.copy()
    if not len(pixels):
        return picture
    centres = pixels.astype(np.int64)
    around = np.arange(-radius, radius + 1)
    dx, dy = (part.ravel() for part in np.meshgrid(around, around, indexing="ij"))
    inside = dx * dx + dy * dy < radius * radius
    dx, dy = dx[inside], dy[inside]
    height = np.sqrt(radius * radius - dx * dx - dy * dy)
    row, column = centres[:, :1] + dx, centres[:, 1:2] + dy
    near = centres[:, 2:] + height.astype(np.int64)
    low, high = centres[:, 2].min() - radius, centres[:, 2].max() + radius
    light = np.minimum(1, (near - low) / (high - low) * (1 - _FARTHEST) + _FARTHEST)
    light = ambient + (1 - ambient) * light * (height / radius)
    owner = np.broadcast_to(np.arange(len(pixels))[:, None], row.shape)
    shown = (row >= 0) & (row < size) & (column >= 0) & (column < size)
    row, column, near, light, owner = (
        part[shown] for part in (row, column, near, light, owner)
    )
    # The first entry of each pixel is the nearest, the earlier point among equals.
    place = row * size + column
    order = np.lexsort((owner, -near, place))
    _, first = np.unique(place[order], return_index=True)
    chosen = order[first]
    picture[row[chosen], column[chosen]] = (
        colors[owner[chosen]] * light[chosen, None]
    ).astype(np.uint8)
    return picture


def fit_to_picture(points: np.ndarray, *, size: int) -> np.ndarray:
    """Scale points (N, 3) about the origin so that the farthest fits, as published.

    Returns:
        (N, 3) pixels as :func:`draw_balls` takes them: the first axis is the row.
    """
    radius = np.sqrt(np.square(points).sum(axis=1)).max()
    return points * (size / (2.2 * max(radius, 1e-12))) + [size / 2, size / 2, 0]


def draw_two_clouds(
    first: np.ndarray, second: np.ndarray, *, size: int, radius: int = 3
) -> np.ndarray:
    """Draw a white cloud and a purple one over it, each scaled to fit, as published.

    Args:
        first: (N, 3).
        second: (M, 3).
        size: Rows and columns of the picture.
        radius: Of the balls in pixels.

    Returns:
        (size, size, 3) uint8 RGB on black.
    """
    below = draw_balls(
        fit_to_picture(first, size=size), (255, 255, 255), size=size, radius=radius
    )
    pixels = fit_to_picture(second, size=size)
    return draw_balls(pixels, (255, 0, 255), size=size, radius=radius, over=below)
