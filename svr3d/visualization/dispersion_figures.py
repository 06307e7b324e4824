# SPDX-License-Identifier: Apache-2.0
"""Pictures of how dispersed a set is: its matrix, a map, its medoids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .curves import plot_curves
from .picture_grid import picture_grid, save_picture
from .plain_figure import plain_figure, save_figure

_LARGEST = 1000
_COLORS = "tab20"


def draw_score_curve(
    clusters: Sequence[int], scores: Sequence[float], path: str | Path
) -> Path:
    """Draw the score against the number of clusters.

    Args:
        clusters: Numbers of clusters, rising.
        scores: The score at each.
        path: ``.png`` or ``.svg`` to write.
    """
    points = list(zip(clusters, scores, strict=True))
    return plot_curves(
        {"Dispersion Score": {"score": points}}, path, xlabels=("number of clusters",)
    )


def draw_sorted_matrix(
    distances: np.ndarray, labels: np.ndarray, path: str | Path, *, title: str = ""
) -> Path:
    """Draw a matrix of distances, its samples sorted by cluster.

    Args:
        distances: (N, N); of more than 1,000 samples as many are drawn, evenly spaced
            in the sorted order.
        labels: (N,) cluster of each sample.
        path: ``.png`` to write.
        title: Above the matrix.
    """
    order = np.argsort(labels, kind="stable")
    order = order[_evenly(len(order), _LARGEST)]
    shown = np.array(distances[np.ix_(order, order)], dtype=np.float32)
    figure, axis = plain_figure(5.0, 4.4)
    image = axis.imshow(shown, cmap="viridis", interpolation="nearest")
    bounds = np.flatnonzero(np.diff(labels[order])) + 0.5
    if len(bounds) < 30:
        for bound in bounds:
            axis.axhline(bound, color="white", linewidth=0.6)
            axis.axvline(bound, color="white", linewidth=0.6)
    axis.set_title(title or "distances, sorted by cluster", fontsize=11)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_xlabel(f"{len(order)} of {len(labels)} samples", fontsize=9)
    figure.colorbar(image, ax=axis, shrink=0.85).ax.tick_params(labelsize=8)
    return save_figure(figure, path)


def plane_embedding(distances: np.ndarray) -> tuple[np.ndarray, float]:
    """Place samples in the plane by classical scaling of squared distances.

    Args:
        distances: (N, N) squared distances.

    Returns:
        (N, 2) float64, and the share of the variance that the plane shows.
    """
    squared = np.asarray(distances, dtype=np.float64)
    mean = squared.mean(axis=0)
    inner = -0.5 * (squared - mean - mean[:, None] + mean.mean())
    values, vectors = np.linalg.eigh(inner)
    most = values[::-1][:2].clip(min=0)
    positive = values.clip(min=0).sum()
    places = vectors[:, ::-1][:, :2] * np.sqrt(most)
    if places.shape[1] < 2:
        places = np.pad(places, ((0, 0), (0, 2 - places.shape[1])))
    return places, float(most.sum() / positive) if positive else 1.0


def draw_cluster_map(
    distances: np.ndarray,
    labels: np.ndarray,
    medoids: np.ndarray,
    path: str | Path,
    *,
    title: str = "",
) -> Path:
    """Draw samples in the plane, coloured by cluster, with their medoids as rings.

    Args:
        distances: (N, N) squared distances; of more than 1,000 samples as many are
            placed, medoids among them.
        labels: (N,) cluster of each sample.
        medoids: (k,) samples.
        path: ``.png`` to write.
        title: Above the map.
    """
    chosen = _evenly(len(labels), _LARGEST)
    shown_medoids = medoids[:_LARGEST]
    chosen = np.union1d(chosen, shown_medoids)
    places, share = plane_embedding(distances[np.ix_(chosen, chosen)])
    figure, axis = plain_figure(5.0, 4.6)
    axis.scatter(
        *places.T, c=labels[chosen] % 20, cmap=_COLORS, vmin=0, vmax=19, s=16, alpha=0.8
    )
    at = np.searchsorted(chosen, shown_medoids)
    axis.scatter(
        *places[at].T, facecolors="none", edgecolors="black", s=70, linewidths=1.1
    )
    axis.set_title(title or "clusters and their medoids", fontsize=11)
    axis.set_xlabel(
        f"{len(chosen)} of {len(labels)} samples; the plane shows {share:.0%} of the "
        "variance",
        fontsize=9,
    )
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_aspect("equal", adjustable="datalim")
    axis.spines[["top", "right"]].set_visible(False)
    return save_figure(figure, path)


def draw_medoids(
    pictures: Sequence[np.ndarray],
    sizes: Sequence[int],
    path: str | Path,
    *,
    columns: int = 8,
) -> Path:
    """Draw what stands for each cluster, the largest clusters first.

    Args:
        pictures: (H, W, 3) uint8 of each medoid.
        sizes: Samples of its cluster.
        path: ``.png`` to write.
        columns: Pictures per row.
    """
    order = np.argsort(-np.asarray(sizes), kind="stable")
    rows, titles = [], []
    for start in range(0, len(order), columns):
        row = order[start : start + columns]
        rows.append([pictures[i] for i in row])
        titles.append("samples: " + ", ".join(str(sizes[i]) for i in row))
    columns = min(columns, len(order))
    sheet = picture_grid(
        [[*row, *[None] * (columns - len(row))] for row in rows],
        cell_size=128,
        row_titles=titles,
    )
    return save_picture(sheet, path)


def draw_trends(
    panels: Mapping[str, Mapping[str, Mapping[str, tuple[float, float, int]]]],
    path: str | Path,
    *,
    xlabel: str = "",
    title: str = "",
) -> Path:
    """Draw numbers of several trainings, a row for each series.

    Args:
        panels: Title of a column -> series -> label -> mean, standard deviation and
            number of trainings; bars show the deviation where there are several.
        path: ``.png`` to write.
        xlabel: What the labels say.
        title: Of the whole.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = list(dict.fromkeys(name for part in panels.values() for name in part))
    size = (3.6 * len(panels), 2.7 * len(rows) + 0.3)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(rows), len(panels), squeeze=False)
    for column, (heading, series) in enumerate(panels.items()):
        for row, name in enumerate(rows):
            axis, points = axes[row][column], series.get(name, {})
            means = [mean for mean, _, _ in points.values()]
            spread = [std if count > 1 else 0.0 for _, std, count in points.values()]
            axis.errorbar(
                range(len(points)),
                means,
                yerr=spread if any(spread) else None,
                marker="o",
                markersize=4,
                linewidth=1.6,
                capsize=2,
                color="#3b6fb6",
            )
            axis.set_xticks(range(len(points)), list(points), fontsize=8)
            if sum(map(len, points)) > 30:
                axis.tick_params(axis="x", rotation=30)
            axis.tick_params(axis="y", labelsize=8)
            # Equal numbers are a level line, not rounding blown up.
            low, high = min(means, default=0.0), max(means, default=0.0)
            if high - low < 0.02 * abs(high):
                axis.set_ylim(0.8 * low, 1.2 * high)
            axis.grid(alpha=0.25)
            axis.spines[["top", "right"]].set_visible(False)
            if row == 0:
                axis.set_title(heading, fontsize=11)
            if column == 0:
                axis.set_ylabel(name, fontsize=9)
            if row == len(rows) - 1:
                axis.set_xlabel(xlabel, fontsize=9)
    if title:
        figure.suptitle(title, fontsize=12)
    return save_figure(figure, path)


def cloud_picture(points: np.ndarray, *, size: int = 256) -> np.ndarray:
    """Draw a cloud as balls, nearer ones over farther ones.

    Args:
        points: (P, 3), y up; the cloud is centred and scaled to fit.
        size: Side of the picture in pixels.

    Returns:
        (size, size, 3) uint8 on white; coloured by place as the paper's pictures are.
    """
    points = np.asarray(points, dtype=np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    extent = max((high - low).max(), 1e-9)
    unit = (points - (low + high) / 2) / extent
    turn, tilt = np.deg2rad(35), np.deg2rad(25)
    x = unit[:, 0] * np.cos(turn) + unit[:, 2] * np.sin(turn)
    z = unit[:, 2] * np.cos(turn) - unit[:, 0] * np.sin(turn)
    y = unit[:, 1] * np.cos(tilt) - z * np.sin(tilt)
    depth = unit[:, 1] * np.sin(tilt) + z * np.cos(tilt)
    radius = max(1, round(size * 0.012))
    offsets = np.arange(-radius, radius + 1)
    dy, dx = (part.ravel() for part in np.meshgrid(offsets, offsets, indexing="ij"))
    height = radius**2 + 0.5 - dy**2 - dx**2
    dy, dx, height = (part[height > 0] for part in (dy, dx, height))
    light = 0.55 + 0.45 * np.sqrt(height / height.max())
    scale = size * 0.6
    column = np.rint(size / 2 + scale * x).astype(int)[:, None] + dx
    row = np.rint(size / 2 - scale * y).astype(int)[:, None] + dy
    colors = (0.25 + 0.7 * (unit + 0.5).clip(0, 1))[:, None] * light[:, None]
    picture = np.ones((size, size, 3))
    order = np.argsort(depth, kind="stable")
    row, column = row[order].ravel(), column[order].ravel()
    colors = colors[order].reshape(-1, 3)
    inside = (row >= 0) & (row < size) & (column >= 0) & (column < size)
    # Of several writes to one pixel the last stays, which is the nearest.
    picture[row[inside], column[inside]] = colors[inside]
    return (picture * 255).round().astype(np.uint8)


def _evenly(size: int, most: int) -> np.ndarray:
    count = min(size, most)
    return (np.arange(count) * size) // count
