# SPDX-License-Identifier: Apache-2.0
"""Pictures of codes: how far apart domains of views are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .plain_figure import plain_figure, save_figure

_MOST_NUMBERS = 12
_MOST_LABELS = 40


def draw_domain_distances(
    matrix: np.ndarray, labels: Sequence[str], path: str | Path, *, title: str = ""
) -> Path:
    """Draw the discrepancy of each pair of domains as a heat map.

    Args:
        matrix: (D, D); the diagonal is left white.
        labels: Name of each domain.
        path: ``.png`` to write.
        title: Above the map.
    """
    size = len(labels)
    shown = np.array(matrix, dtype=np.float64)
    np.fill_diagonal(shown, np.nan)
    figure, axis = plain_figure(5.4, 4.6)
    image = axis.imshow(shown, cmap="viridis", vmin=0, interpolation="nearest")
    step = -(-size // _MOST_LABELS)
    ticks = range(0, size, step)
    small = 8 if size <= _MOST_NUMBERS else 6
    names = [labels[place] for place in ticks]
    axis.set_xticks(ticks, names, rotation=90, fontsize=small)
    axis.set_yticks(ticks, names, fontsize=small)
    if size <= _MOST_NUMBERS:
        middle = np.nanmax(shown) / 2
        for i, j in zip(*np.nonzero(~np.isnan(shown)), strict=True):
            value = shown[i, j]
            color = "white" if value < middle else "black"
            axis.text(
                j, i, f"{value:.2g}", ha="center", va="center", color=color, fontsize=7
            )
    axis.set_title(title or "discrepancy of views", fontsize=11)
    bar = figure.colorbar(image, ax=axis, shrink=0.85)
    bar.set_label("MMD (squared, summed over kernels)", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    return save_figure(figure, path)
