# SPDX-License-Identifier: Apache-2.0
"""Results per category, as text, JSON and CSV."""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class ResultRow:
    """One category.

    Attributes:
        name: Display name.
        count: Number of samples.
        values: Mean over the samples, one per column.
        baseline: Published figure to compare all columns with.
        taxonomy_id: Identifier in the data set.
        published: Column -> published figure to compare it with.
    """

    name: str
    count: int
    values: tuple[float, ...]
    baseline: float | None = None
    taxonomy_id: str | None = None
    published: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ResultTable:
    """A metric per category under one protocol.

    Attributes:
        metric: What is measured, for example 'voxel IoU'.
        columns: Labels of the values, for example 't=0.40'.
        rows: Categories in order of their first sample.
        overall: Mean over all samples, one per column.
        protocol: Facts without which the figures mean nothing.
        summary: Further scalars.
        smaller_is_better: Those of the columns that hold distances or errors.
    """

    metric: str
    columns: tuple[str, ...]
    rows: tuple[ResultRow, ...]
    overall: tuple[float, ...]
    protocol: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    smaller_is_better: tuple[str, ...] = ()

    @classmethod
    def from_samples(
        cls,
        metric: str,
        columns: Sequence[str],
        *,
        categories: Sequence[str],
        values: Sequence[Sequence[float]],
        baselines: Mapping[str, float | None] | None = None,
        published: Mapping[str, Mapping[str, float]] | None = None,
        taxonomy_ids: Mapping[str, str] | None = None,
        protocol: Mapping[str, Any] | None = None,
        summary: Mapping[str, Any] | None = None,
        smaller_is_better: Sequence[str] = (),
    ) -> "ResultTable":
        """Average samples per category.

        Args:
            metric: What is measured.
            columns: K labels.
            categories: Display name of each sample's category, N.
            values: (N, K).
            baselines: Display name -> published figure of all columns.
            published: Display name -> column -> published figure.
            taxonomy_ids: Display name -> identifier.
            protocol: Facts of the evaluation.
            summary: Further scalars.
            smaller_is_better: Those of the columns that hold distances or errors.

        Raises:
            ValueError: If there is no sample, or values and categories do not fit.
        """
        array = np.asarray(values, dtype=np.float64).reshape(-1, len(columns))
        if len(array) == 0 or len(array) != len(categories):
            raise ValueError(
                f"{metric}: expected values for at least one sample, one per "
                f"category entry; found {len(array)} and {len(categories)}"
            )
        names = np.asarray(categories)
        rows = []
        for name in dict.fromkeys(categories):
            chosen = array[names == name]
            rows.append(
                ResultRow(
                    name,
                    len(chosen),
                    _floats(chosen.mean(axis=0)),
                    (baselines or {}).get(name),
                    (taxonomy_ids or {}).get(name),
                    dict((published or {}).get(name, {})),
                )
            )
        return cls(
            metric,
            tuple(columns),
            tuple(rows),
            _floats(array.mean(axis=0)),
            dict(protocol or {}),
            dict(summary or {}),
            tuple(smaller_is_better),
        )

    @property
    def count(self) -> int:
        """Number of samples."""
        return sum(row.count for row in self.rows)

    @property
    def mean_of_categories(self) -> tuple[float, ...]:
        """Mean over categories (each counts once), one per column."""
        return _floats(np.mean([row.values for row in self.rows], axis=0))

    @property
    def larger_is_worse(self) -> bool:
        """Whether the first column, the one that counts, holds distances."""
        return self.columns[0] in self.smaller_is_better

    @property
    def overall_baseline(self) -> float | None:
        """Baseline weighted by samples; None if a category has none."""
        if any(row.baseline is None for row in self.rows):
            return None
        return sum(row.baseline * row.count for row in self.rows) / self.count

    @property
    def published_columns(self) -> tuple[str, ...]:
        """Columns that some category has a published figure of."""
        return tuple(
            column
            for column in self.columns
            if any(column in row.published for row in self.rows)
        )

    def published_mean(self, column: str) -> float | None:
        """Mean of a column's published figures over categories; None if one lacks."""
        if any(column not in row.published for row in self.rows):
            return None
        return float(np.mean([row.published[column] for row in self.rows]))

    def to_text(self) -> str:
        """Return the table as hzxie/Pix2Vox prints it (tabs, four decimals)."""
        lines = [
            " TEST RESULTS ".center(70, "="),
            "\t".join(["Taxonomy", "#Sample", "Baseline", *self.columns, ""]),
        ]
        for row in self.rows:
            baseline = "N/a" if row.baseline is None else f"{row.baseline:.4f}"
            cells = [row.name.ljust(8), str(row.count), baseline, ""]
            lines.append("\t".join([*cells, *_cells(row.values), ""]))
        overall = ["Overall ", "", "", "", *_cells(self.overall), ""]
        return "\n".join([*lines, "\t".join(overall), ""])

    def to_report(self) -> str:
        """Return the table for a terminal: aligned, with means and protocol."""
        header = ["category", "samples", "baseline"]
        body = [[row.name, str(row.count), _cell(row.baseline)] for row in self.rows]
        foot = [
            ["mean over samples", str(self.count), _cell(self.overall_baseline)],
            ["mean over categories", str(len(self.rows)), ""],
        ]
        for index, column in enumerate(self.columns):
            header.append(column)
            for line, row in zip(body, self.rows, strict=True):
                line.append(_cell(row.values[index]))
            foot[0].append(_cell(self.overall[index]))
            foot[1].append(_cell(self.mean_of_categories[index]))
            if column in self.published_columns:
                header.append("published")
                for line, row in zip(body, self.rows, strict=True):
                    line.append(_cell(row.published.get(column)))
                foot[0].append("")
                foot[1].append(_cell(self.published_mean(column)))
        table = [header, *body, *foot]
        widths = [max(len(line[i]) for line in table) for i in range(len(header))]
        lines = [
            "  ".join(
                [line[0].ljust(widths[0])]
                + [
                    cell.rjust(width)
                    for cell, width in zip(line[1:], widths[1:], strict=True)
                ]
            ).rstrip()
            for line in table
        ]
        rule = "-" * max(map(len, lines))
        lines = [lines[0], rule, *lines[1:-2], rule, *lines[-2:]]
        facts = [f"{key}: {_short(value)}" for key, value in self.summary.items()]
        protocol = ", ".join(f"{key}={value}" for key, value in self.protocol.items())
        title = f"{self.metric} ({protocol})" if protocol else self.metric
        return "\n".join([title, *lines, *facts])

    def to_dict(self) -> dict[str, Any]:
        """Return builtins only, for JSON."""
        result = asdict(self)
        result["rows"] = [asdict(row) for row in self.rows]
        result["mean_of_categories"] = list(self.mean_of_categories)
        result["count"] = self.count
        return plain(result)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "ResultTable":
        """Rebuild a table from :meth:`to_dict`."""
        rows = tuple(
            ResultRow(**{**row, "values": _floats(row["values"])})
            for row in content["rows"]
        )
        return cls(
            content["metric"],
            tuple(content["columns"]),
            rows,
            _floats(content["overall"]),
            dict(content["protocol"]),
            dict(content["summary"]),
            # Files of before this was written hold scores only.
            tuple(content.get("smaller_is_better", ())),
        )

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the table as JSON and write it to a file if one is given."""
        text = json.dumps(self.to_dict(), indent=2) + "\n"
        if path is not None:
            Path(path).write_text(text)
        return text

    @classmethod
    def from_json(cls, path: str | Path) -> "ResultTable":
        """Read a table that :meth:`to_json` wrote."""
        return cls.from_dict(json.loads(Path(path).read_text()))

    def to_csv(self, path: str | Path) -> None:
        """Write the table as CSV, the protocol in a comment line before it."""
        with open(path, "w", newline="") as file:
            protocol = json.dumps(plain(self.protocol))
            file.write(f"# {self.metric}; protocol: {protocol}\n")
            writer = csv.writer(file)
            known = self.published_columns
            header = ["category", "taxonomy_id", "samples", "baseline", *self.columns]
            writer.writerow([*header, *(f"published {column}" for column in known)])
            for row in self.rows:
                baseline = "" if row.baseline is None else row.baseline
                names = [row.name, row.taxonomy_id or ""]
                figures = [row.published.get(column, "") for column in known]
                writer.writerow([*names, row.count, baseline, *row.values, *figures])
            for name, values in (
                ("mean over samples", self.overall),
                ("mean over categories", self.mean_of_categories),
            ):
                writer.writerow([name, "", self.count, "", *values])


def _floats(values: Sequence[float]) -> tuple[float, ...]:
    """Return floats; what JSON holds as null is NaN."""
    return tuple(float("nan") if v is None else float(v) for v in values)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _cells(values: Sequence[float]) -> list[str]:
    return [f"{value:.4f}" for value in values]


def _short(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def plain(value: Any) -> Any:
    """Return builtins that JSON can hold; tuples become lists, NaN null."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
