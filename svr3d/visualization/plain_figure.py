# SPDX-License-Identifier: Apache-2.0
"""Figures of matplotlib without a window."""

from __future__ import annotations

from pathlib import Path


def plain_figure(width: float, height: float):
    """Return a figure of so many inches, and its only axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def save_figure(figure, path: str | Path, *, dpi: int = 130) -> Path:
    """Write a figure; the file's ending tells the format.

    Args:
        figure: Of matplotlib.
        path: File to write; its folder is made.
        dpi: Pixels per inch.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=dpi)
    return path
