# SPDX-License-Identifier: Apache-2.0
"""Tables of results in a report."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from svr3d.errors import DataError

from .report_page import escape, table

if TYPE_CHECKING:
    from svr3d.metrics import ResultTable

_WORST = 12


def find_tables(places: Sequence[Path], *, prefix: str = "") -> dict[str, ResultTable]:
    """Read the result tables of files and folders.

    Args:
        places: JSON files, or folders that hold them; a file holds one table, or
            several by name, as ``svr3d recognition-baselines`` writes them.
        prefix: What the names of files in folders begin with.

    Returns:
        Tables by their own name or that of their file; files that hold something else
        are left out.
    """
    from svr3d.metrics.result_table import ResultTable

    tables = {}
    for place in map(Path, places):
        files = [place] if place.is_file() else sorted(place.glob(f"{prefix}*.json"))
        for path in files:
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise DataError(f"{path}: expected JSON, found {error}") from error
            if not isinstance(content, dict):
                continue
            named = content.get("tables", {path.stem: content})
            for name, values in named.items():
                if isinstance(values, dict) and {"metric", "rows"} <= values.keys():
                    tables[name] = ResultTable.from_dict(values)
    return tables


def best_column(results: ResultTable) -> int:
    """Return the index of the column with the highest mean over samples."""
    return max(range(len(results.columns)), key=lambda index: results.overall[index])


def results_table(results: ResultTable) -> str:
    """Return a table as HTML, a row for each category and the means below."""
    published = any(entry.baseline is not None for entry in results.rows)
    header = ["category", "samples", *(["published"] if published else [])]
    rows = []
    for entry in results.rows:
        known = [entry.baseline] if published else []
        rows.append([entry.name, entry.count, *known, *entry.values])
    known = [results.overall_baseline] if published else []
    rows.append(["mean over samples", results.count, *known, *results.overall])
    known = [None] if published else []
    means = results.mean_of_categories
    rows.append(["mean over categories", len(results.rows), *known, *means])
    first = len(header)
    return table(
        [*header, *results.columns],
        rows,
        total_rows=2,
        best_columns=range(first, first + len(results.columns)),
    )


def comparison_table(ours: ResultTable, baselines: Mapping[str, ResultTable]) -> str:
    """Put our figures beside those of the baselines, each at its best threshold.

    Tables under different protocols never share one; they follow one by one, with what
    differs.
    """
    from svr3d.metrics import merge_tables

    tables = {"ours": ours, **baselines}
    chosen = {name: each.columns[best_column(each)] for name, each in tables.items()}
    try:
        merged = merge_tables(tables, columns=chosen)
    except ValueError as error:
        parts = [f'<p class="note">{escape(error)}</p>']
        for name, each in baselines.items():
            parts.append(f"<h3>{escape(name)}</h3>{results_table(each)}")
        return "".join(parts)
    header = ["category", "samples"]
    header += [f"{name} ({chosen[name]})" for name in merged.columns]
    rows = [[entry.name, entry.count, *entry.values] for entry in merged.rows]
    rows.append(["mean over samples", merged.count, *merged.overall])
    columns = range(2, 2 + len(merged.columns))
    return table(header, rows, total_rows=1, best_columns=columns)


def worst_samples(folder: Path, stage: str) -> str:
    """Return the samples with the lowest scores, from the results hook's list."""
    for path in sorted(folder.glob(f"{stage}_*_samples.csv")):
        with open(path, newline="", encoding="utf-8") as file:
            samples = list(csv.DictReader(file))[:_WORST]
        if samples:
            header = [key for key in samples[0] if key in ("sample_id", "category")] + [
                key for key in samples[0] if key.startswith("t=")
            ]
            rows = [
                [
                    float(sample[key]) if key.startswith("t=") else sample[key]
                    for key in header
                ]
                for sample in samples
            ]
            return table(header, rows)
    return ""
