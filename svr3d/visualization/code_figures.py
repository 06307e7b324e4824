# SPDX-License-Identifier: Apache-2.0
"""Pictures of codes: where they lie, and how far apart domains of views are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .plain_figure import plain_figure, save_figure

_SIZE = (5.0, 3.33)  # inches, as published
_DPI = 300
_FORMATS = (".png", ".pdf")
_MOST_COLORS = 20
_MOST_NUMBERS = 12
_MOST_LABELS = 40


def draw_domain_distances(
    matrix: np.ndarray,
    labels: Sequence[str],
    path: str | Path,
    *,
    title: str = "",
    highest: float | None = None,
) -> Path:
    """Draw the discrepancy of each pair of domains as a heat map.

    Args:
        matrix: (D, D); the diagonal is left white.
        labels: Name of each domain.
        path: ``.png`` to write.
        title: Above the map.
        highest: Value of the brightest colour; None takes the largest there is.
    """
    size = len(labels)
    shown = np.array(matrix, dtype=np.float64)
    np.fill_diagonal(shown, np.nan)
    figure, axis = plain_figure(5.4, 4.6)
    highest = np.nanmax(shown) if highest is None else highest
    image = axis.imshow(
        shown, cmap="viridis", vmin=0, vmax=highest, interpolation="nearest"
    )
    step = -(-size // _MOST_LABELS)
    ticks = range(0, size, step)
    small = 8 if size <= _MOST_NUMBERS else 6
    names = [labels[place] for place in ticks]
    axis.set_xticks(ticks, names, rotation=90, fontsize=small)
    axis.set_yticks(ticks, names, fontsize=small)
    if size <= _MOST_NUMBERS:
        middle = highest / 2
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


def draw_classes(
    places: np.ndarray, labels: np.ndarray, names: Sequence[str], path: str | Path
) -> list[Path]:
    """Draw codes in the plane, coloured by class, with a legend.

    Args:
        places: (N, 2).
        labels: (N,) positions in the names.
        names: Of the classes; from the 21st on colours come again.
        path: Without its ending: ``.png`` and ``.pdf`` are written.
    """
    from matplotlib import colormaps

    palette = colormaps["tab10" if len(names) <= 10 else "tab20"].colors
    figure, axis = plain_figure(*_SIZE)
    for label, name in enumerate(names):
        own = places[labels == label]
        color = palette[label % len(palette)]
        axis.scatter(*own.T, s=_dot(places), color=color, linewidths=0, label=name)
    columns = 1 + (len(names) - 1) // _MOST_COLORS
    legend = axis.legend(
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        fontsize=7,
        frameon=False,
        ncols=columns,
    )
    for handle in legend.legend_handles:
        handle.set_sizes([18])
    return _save_embedding(figure, axis, path)


def draw_scale(
    places: np.ndarray,
    values: np.ndarray,
    path: str | Path,
    *,
    label: str,
    period: float | None = None,
) -> list[Path]:
    """Draw codes in the plane, coloured by a number, with a colour bar.

    Args:
        places: (N, 2).
        values: (N,).
        path: Without its ending: ``.png`` and ``.pdf`` are written.
        label: What the colour bar says.
        period: Of values that come again, such as 360 of angles; their colours do too.
    """
    from matplotlib.ticker import MaxNLocator

    limits = (values.min(), values.max()) if period is None else (0, period)
    figure, axis = plain_figure(*_SIZE)
    drawn = axis.scatter(
        *places.T,
        c=values,
        s=_dot(places),
        cmap="turbo" if period is None else "hsv",
        vmin=limits[0],
        vmax=limits[1],
        linewidths=0,
    )
    bar = figure.colorbar(drawn, ax=axis)
    bar.set_label(label, fontsize=8)
    if period is not None:
        bar.set_ticks(np.linspace(0, period, 5))
    elif np.issubdtype(values.dtype, np.integer):
        bar.locator = MaxNLocator(integer=True)
        bar.update_ticks()
    bar.ax.tick_params(labelsize=7)
    return _save_embedding(figure, axis, path)


def _dot(places: np.ndarray) -> float:
    """Area of a dot, 2 as published where there are many."""
    return float(np.clip(4000 / len(places), 2, 20))


def _save_embedding(figure, axis, path: str | Path) -> list[Path]:
    axis.set_axis_off()
    axis.set_aspect("equal", adjustable="datalim")
    return [
        save_figure(figure, Path(f"{path}{ending}"), dpi=_DPI) for ending in _FORMATS
    ]
