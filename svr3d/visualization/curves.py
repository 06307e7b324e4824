# SPDX-License-Identifier: Apache-2.0
"""Plots of what a run logged: losses and scores over its iterations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

Series = Mapping[str, Sequence[tuple[float, float]]]

_COLORS = ("#3b6fb6", "#d1702c", "#3f9a6b", "#8a5ea8", "#b5495b", "#7a7f87")

_GREY = "#757c86"
"""Can be read on white and on black, as a page may have either."""


def read_scalars(work_dir: str | Path) -> dict[str, list[tuple[float, float]]]:
    """Read what mmengine logged in a work dir, all its runs in order of time.

    Args:
        work_dir: Folder that holds ``<time stamp>/vis_data/scalars.json``.

    Returns:
        For each name, (step, value) pairs; a resumed run replaces the steps that it
        repeats. Lines that are not complete, as after a kill, are left out.
    """
    scalars: dict[str, dict[float, float]] = {}
    for path in sorted(Path(work_dir).glob("*/vis_data/scalars.json")):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue
            step = entry.get("step", entry.get("iter"))
            if step is None:
                continue
            for name, value in entry.items():
                if isinstance(value, int | float) and not isinstance(value, bool):
                    scalars.setdefault(name, {})[step] = float(value)
    return {name: sorted(series.items()) for name, series in scalars.items()}


def plot_curves(
    panels: Mapping[str, Series],
    path: str | Path,
    *,
    xlabels: Sequence[str] = ("iteration",),
) -> Path:
    """Draw panels of curves side by side.

    Args:
        panels: Title of each panel, with its named curves of (x, y) pairs.
        path: File to write, ``.svg`` or ``.png``.
        xlabels: What x counts in each panel; the last one serves the panels after it.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6 * len(panels), 3.1), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for place, (title, series) in enumerate(panels.items()):
        axis = axes[place]
        for index, (name, points) in enumerate(series.items()):
            x, y = zip(*points, strict=True) if points else ((), ())
            axis.plot(
                x,
                y,
                label=name,
                color=_COLORS[index % len(_COLORS)],
                linewidth=1.6,
                marker="o" if len(points) < 30 else None,
                markersize=3,
            )
        axis.set_title(title, fontsize=11)
        axis.set_xlabel(xlabels[min(place, len(xlabels) - 1)], fontsize=9)
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        axis.spines[["bottom", "left"]].set_color(_GREY)
        axis.tick_params(colors=_GREY)
        axis.title.set_color(_GREY)
        axis.xaxis.label.set_color(_GREY)
        if len(series) > 1:
            axis.legend(frameon=False, fontsize=8, labelcolor=_GREY)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    vector = path.suffix == ".svg"
    # Text stays text, and the same curves give the same file.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "svr3d"}):
        figure.savefig(
            path,
            dpi=130,
            transparent=vector,
            metadata={"Date": None} if vector else None,
        )
    return path
