# SPDX-License-Identifier: Apache-2.0
"""A report of a run as one HTML file: tables, curves, pictures, settings."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from svr3d.errors import DataError

from .curves import plot_curves, read_scalars
from .report_codes import code_blocks
from .report_page import cards, code, escape, facts, figure, folded, page, row, section
from .report_tables import (
    best_column,
    comparison_table,
    find_tables,
    results_table,
    worst_samples,
)

_NEWEST_PICTURES = 4
_DISPERSION_PICTURES = ("clusters", "matrix", "curve")


@dataclass
class ReportSources:
    """Where a report finds what it shows; what is absent is left out.

    Attributes:
        work_dir: Of the training.
        test_dir: Of the test; None looks in ``work_dir/test``, then ``work_dir``.
        baselines: JSON tables of recognition baselines, or folders of them.
        reconstructions: Folder that ``svr3d reconstruct`` wrote.
        config_text: The resolved config.
        settings: Names and values of what matters most in the config.
        commands: The commands that made all this.
    """

    work_dir: Path
    test_dir: Path | None = None
    baselines: Sequence[Path] = ()
    reconstructions: Path | None = None
    config_text: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    commands: str = ""


def write_report(sources: ReportSources, out: str | Path, *, title: str = "") -> Path:
    """Write a page that needs no other file and no network.

    Args:
        sources: Where to look.
        out: HTML file to write.
        title: Of the page; by default the name of the work directory.

    Returns:
        The file that was written.

    Raises:
        DataError: There is neither a result nor a log of a training.
    """
    out, work_dir = Path(out), Path(sources.work_dir)
    results = _results_folder(sources)
    tables = find_tables([results / "results"], prefix="test_")
    stage = "test"
    if not tables:
        stage, tables = "val", find_tables([work_dir / "results"], prefix="val_")
    scalars = read_scalars(work_dir)
    if not tables and not scalars:
        raise DataError(
            f"{work_dir}: expected results/*.json or a log of a training, found neither"
        )
    baselines = find_tables(sources.baselines)
    first = next(iter(tables.values()), None)
    body = [
        _headline(first, baselines),
        section(
            "Results",
            *[results_table(table) for table in tables.values()],
            note="Mean per category at each threshold; the best one is marked.",
        ),
        section(
            "Against recognition",
            comparison_table(first, baselines) if first and baselines else "",
            note="Baselines that only look up training shapes. A network that does not "
            "beat them has recognised, not reconstructed.",
        ),
        section("Reconstruction", *_reconstructions(sources.reconstructions, out)),
        section("Training", _curves(scalars)),
        section("Samples", *_pictures(results, stage)),
        section("During training", *_progress(work_dir)),
        section(
            "Dispersion",
            *_dispersion(work_dir),
            note="How spread out images, shapes and predictions are: the mean distance "
            "to the medoid of a sample's cluster (Zhou et al., 3DV 2021).",
        ),
        section(
            "Codes",
            *code_blocks(work_dir),
            note="How far apart codes of different views are, and where codes lie.",
        ),
        section("Lowest scores", worst_samples(results / "results", stage)),
        section(
            "Protocol and settings",
            row(
                "<figure>" + facts(first.protocol if first else {}) + "</figure>",
                "<figure>" + facts(sources.settings) + "</figure>",
            ),
            folded("The whole config", code(sources.config_text)),
        ),
        section("Commands", code(sources.commands.strip())),
        section("Versions", facts(_versions())),
    ]
    run = work_dir.resolve().name
    name = title or run
    lead = f"Report of the run {run}" if title else "Report of a training run"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page(name, lead, [part for part in body if part]), encoding="utf-8")
    return out


def _results_folder(sources: ReportSources) -> Path:
    if sources.test_dir is not None:
        return Path(sources.test_dir)
    nested = Path(sources.work_dir) / "test"
    return nested if (nested / "results").is_dir() else Path(sources.work_dir)


def _headline(table, baselines) -> str:
    if table is None:
        return ""
    column = best_column(table)
    score = table.overall[column]
    entries = [(f"{score:.4f}", f"{table.metric}, {table.columns[column]}")]
    for label, other in baselines.items():
        value = other.overall[best_column(other)]
        entries.append((f"{value:.4f}", label))
    published = table.overall_baseline
    if published is not None:
        entries.append((f"{published:.4f}", "published"))
    entries.append((str(table.count), "test samples"))
    entries.append((str(len(table.rows)), "categories"))
    return cards(entries)


def _curves(scalars: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    losses = {name: scalars[name] for name in scalars if name.startswith("loss")}
    parts = {name: series for name, series in losses.items() if name != "loss"}
    if "loss" in losses and len(parts) == 1:
        losses = {"loss": losses["loss"]}  # The only part is the sum.
    scores = {
        name.split("/", 1)[-1]: series
        for name, series in scalars.items()
        if "iou" in name and not name.endswith("_threshold")
    }
    if "iou_max" in scores:
        scores = {"iou_max": scores["iou_max"]}
    rate = {"lr": scalars["lr"]} if "lr" in scalars else {}
    panels = {
        "Training loss": (losses, "iteration"),
        "Validation IoU": (scores, "epoch"),
        "Learning rate": (rate, "iteration"),
    }
    shown = {title: part for title, part in panels.items() if part[0]}
    if not shown:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        path = plot_curves(
            {title: series for title, (series, _) in shown.items()},
            os.path.join(folder, "curves.svg"),
            xlabels=[label for _, label in shown.values()],
        )
        return figure(path)


def _pictures(folder: Path, stage: str) -> list[str]:
    captions = {
        "samples": "Drawn by lot",
        "best": "Highest IoU",
        "worst": "Lowest IoU",
    }
    blocks = []
    for name, caption in captions.items():
        path = folder / "pictures" / f"{stage}_{name}.png"
        if path.is_file():
            block = figure(path, caption)
            blocks.append(block if name == "samples" else folded(caption, block))
    return blocks


def _progress(work_dir: Path) -> list[str]:
    pictures = [
        path
        for path in sorted((work_dir / "pictures").glob("*.png"))
        if path.stem.startswith(("epoch_", "iter_"))
    ]
    if not pictures:
        return []
    last = len(pictures) - 1
    # The newest one, and a few equally spaced ones before it.
    chosen = sorted({round(last * i / _NEWEST_PICTURES) for i in range(1, 5)})
    captions = {index: pictures[index].stem.replace("_", " ") for index in chosen}
    *earlier, newest = [figure(pictures[i], captions[i]) for i in chosen]
    return [newest, folded("Earlier", "".join(earlier))]


def _dispersion(work_dir: Path) -> list[str]:
    """Scores and pictures that ``svr3d dispersion-score`` wrote below the run."""
    blocks = []
    for path in sorted((work_dir / "dispersion").glob("*/dispersion.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        score = result["scores"][0]
        told = {
            "set": result["protocol"]["set"],
            "DS": f"{score['score']:.5g}",
            "clusters": score["clusters"],
            "samples": score["num_samples"],
            "distance": result["protocol"]["distance"],
        }
        pictures = [path.with_name(f"{name}.png") for name in _DISPERSION_PICTURES]
        shown = [figure(picture) for picture in pictures if picture.is_file()]
        medoids = path.with_name("medoids.png")
        blocks += [facts(told), row(*shown)]
        if medoids.is_file():
            blocks.append(folded("Medoids", figure(medoids)))
    return blocks


def _reconstructions(folder: Path | None, out: Path) -> list[str]:
    if folder is None or not Path(folder).is_dir():
        return []
    blocks = []
    for picture in sorted(Path(folder).glob("*.png")):
        files = sorted(
            path
            for path in picture.parent.glob(f"{picture.stem}.*")
            if path.suffix in (".glb", ".obj", ".ply", ".off", ".binvox")
        )
        links = ", ".join(
            f'<a href="{escape(os.path.relpath(path, out.parent))}">'
            f"{escape(path.name)}</a>"
            for path in files
        )
        turning = [
            figure(path)
            for path in sorted(picture.parent.glob(f"{picture.stem}.*"))
            if path.suffix in (".gif", ".webp")
        ]
        blocks += [
            figure(picture, picture.stem),
            *turning,
            f'<p class="note">{links}</p>',
        ]
    return blocks


def _versions() -> dict[str, str]:
    import mmengine
    import numpy
    import torch

    from svr3d import __version__

    return {
        "svr3d": __version__,
        "torch": torch.__version__,
        "mmengine": mmengine.__version__,
        "numpy": numpy.__version__,
        "Python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
