# SPDX-License-Identifier: Apache-2.0
"""Which trainings a sweep consists of, and what their scores become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from svr3d.errors import ConfigError

SETS = ("images", "shapes", "predictions")
TITLES = {
    "images": "Input DS of images",
    "shapes": "Input DS of shapes",
    "predictions": "Output DS",
}
_KEYS = {"title", "xlabel", "clusters", "seeds", "series", "score_options"}
_SERIES_KEYS = {"config", "options", "vary", "configs"}


@dataclass(frozen=True)
class SweepRun:
    """One training and what is measured of it.

    Attributes:
        series: Line of the figures that it belongs to.
        label: Place on the axis.
        config: Path of its config.
        options: ``--cfg-options`` of the training, path -> text.
        seed: Of the training; None for the config's own.
    """

    series: str
    label: str
    config: str
    options: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None

    @property
    def name(self) -> str:
        """Folder of the run below that of the sweep."""
        parts = [self.series, self.label]
        parts += [] if self.seed is None else [f"seed{self.seed}"]
        return "/".join("".join(c if _plain(c) else "_" for c in p) for p in parts)


@dataclass(frozen=True)
class SweepPlan:
    """A list of trainings, and how their scores are taken and drawn.

    Attributes:
        runs: In the order of training.
        title: Of the figure.
        xlabel: What the labels of the runs say.
        clusters: k of the scores.
        score_options: Further arguments of ``svr3d dispersion-score``: for all sets
            under ``all``, for one under its name.
    """

    runs: tuple[SweepRun, ...]
    title: str = ""
    xlabel: str = ""
    clusters: int = 2
    score_options: Mapping[str, Sequence[str]] = field(default_factory=dict)


def read_plan(content: Mapping[str, Any], folder: Path, *, source: str) -> SweepPlan:
    """Make a plan of what a plan file says.

    ::

        title: More dispersed images
        xlabel: spread of the indices
        clusters: 2
        seeds: [1, 2, 3]          # trainings of each run; the config's own without it
        score_options: {images: [--features, silhouette]}
        series:
          images:
            config: synthetic.py  # relative to the plan
            options: {data_root: data/cubesphere}
            vary: train_dataloader.dataset.list_file
            values: {S1I1: first.json, S1I2: second.json}
          decoders:
            configs: {AtlasNet: atlasnet.py, PSGN: psgn.py}

    Args:
        content: The parsed file.
        folder: Its folder, which paths of configs start from.
        source: Its name, for messages.

    Raises:
        ConfigError: If something is missing or unknown.
    """
    _check(content, _KEYS, {"series"}, source)
    runs = []
    for name, series in content["series"].items():
        place = f"{source}: series.{name}"
        _check(series, _SERIES_KEYS | {"values"}, set(), place)
        several = "configs" in series
        expected = {"configs"} if several else {"config", "vary", "values"}
        if not expected <= set(series) or (
            several and {"vary", "config"} & set(series)
        ):
            raise ConfigError(
                f"{place}: expected config, vary and values, or configs, found "
                f"{', '.join(series)}"
            )
        options = {k: str(v) for k, v in (series.get("options") or {}).items()}
        entries = series["configs"] if several else series["values"]
        for label, value in entries.items():
            config = value if several else series["config"]
            own = options if several else options | {series["vary"]: str(value)}
            for seed in content.get("seeds") or [None]:
                path = str(folder / config)
                runs.append(SweepRun(str(name), str(label), path, own, seed))
    return SweepPlan(
        tuple(runs),
        title=str(content.get("title", "")),
        xlabel=str(content.get("xlabel", "")),
        clusters=int(content.get("clusters", 2)),
        score_options=content.get("score_options") or {},
    )


def trends(
    results: Sequence[tuple[SweepRun, Mapping[str, float]]],
) -> dict[str, dict[str, dict[str, tuple[float, float, int]]]]:
    """Average the numbers of runs that differ in their seed alone.

    Args:
        results: Runs with their numbers by name.

    Returns:
        Number's name -> series -> label -> mean, population standard deviation and
        number of trainings; in the order of the runs.
    """
    gathered: dict[str, dict[str, dict[str, list[float]]]] = {}
    for run, numbers in results:
        for name, value in numbers.items():
            series = gathered.setdefault(name, {}).setdefault(run.series, {})
            series.setdefault(run.label, []).append(value)
    return {
        name: {
            key: {
                label: (float(np.mean(values)), float(np.std(values)), len(values))
                for label, values in points.items()
            }
            for key, points in series.items()
        }
        for name, series in gathered.items()
    }


def trend_table(
    found: Mapping[str, Mapping[str, Mapping[str, tuple[float, float, int]]]],
) -> str:
    """Return the averaged numbers as a Markdown table, a row for each label."""
    names = list(found)
    head = ["series", "run", *(TITLES.get(name, name) for name in names)]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    rows = {
        (s, label) for series in found.values() for s in series for label in series[s]
    }
    order = [
        (s, label)
        for series in found.values()
        for s, points in series.items()
        for label in points
    ]
    for series, label in sorted(rows, key=order.index):
        cells = [series, label]
        for name in names:
            value = found[name].get(series, {}).get(label)
            if value is None:
                cells.append("")
                continue
            mean, std, count = value
            cells.append(f"{mean:.4g} ± {std:.2g}" if count > 1 else f"{mean:.4g}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _check(content: Any, known: set[str], required: set[str], place: str) -> None:
    if not isinstance(content, Mapping):
        raise ConfigError(
            f"{place}: expected names and values, found {type(content).__name__}"
        )
    wrong, missing = set(content) - known, required - set(content)
    if wrong or missing:
        raise ConfigError(
            f"{place}: expected {', '.join(sorted(known))}, found "
            f"{', '.join(map(str, content))}"
        )


def _plain(character: str) -> bool:
    return character.isalnum() or character in "-_.+"
