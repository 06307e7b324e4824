# SPDX-License-Identifier: Apache-2.0
"""Many methods under one protocol, as one table, from the files that tests wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from svr3d.errors import DataError
from svr3d.metrics import ResultTable, merge_tables
from svr3d.metrics.result_table import plain


@dataclass(frozen=True)
class Entry:
    """One method's results.

    Attributes:
        label: Name of the method.
        table: Its results.
        column: The one of the table's columns that counts for this method.
    """

    label: str
    table: ResultTable
    column: str

    @classmethod
    def parse(cls, text: str) -> Entry:
        """Read ``LABEL=FILE`` or ``LABEL=FILE@COLUMN``.

        Args:
            text: For example ``mean=mean/results/test_voxel.json@t=0.30``.
                A file of a single column needs no name.

        Raises:
            DataError: If the text has another form, the file is no table, or the
                column is not in it.
        """
        label, equals, rest = text.partition("=")
        path, _, column = rest.partition("@")
        if not (label and equals and path):
            raise DataError(f"{text}: expected LABEL=FILE or LABEL=FILE@COLUMN")
        table = _read(Path(path))
        column = column or (table.columns[0] if len(table.columns) == 1 else "")
        if column not in table.columns:
            raise DataError(
                f"{text}: expected one of the columns {', '.join(table.columns)} after "
                f"an '@', found {column!r}"
            )
        return cls(label, table, column)


def leaderboards(entries: Sequence[Entry]) -> list[ResultTable]:
    """Put methods side by side, one table for each metric and protocol.

    Args:
        entries: Results in the order in which the methods are to appear.

    Returns:
        Tables whose columns are the methods, in the order of their first entries.

    Raises:
        DataError: If results of one protocol have different categories or numbers of
            samples, or a method appears twice under one protocol.
    """
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        key = repr((entry.table.metric, plain(entry.table.protocol)))
        groups.setdefault(key, []).append(entry)
    tables = []
    for group in groups.values():
        labels = [entry.label for entry in group]
        for label in labels:
            if labels.count(label) > 1:
                raise DataError(f"{label}: found twice under one protocol")
        try:
            merged = merge_tables(
                {entry.label: entry.table for entry in group},
                columns={entry.label: entry.column for entry in group},
            )
        except ValueError as error:
            raise DataError(str(error)) from error
        tables.append(merged)
    return tables


def to_markdown(table: ResultTable) -> str:
    """Write a leaderboard, a row for each method; the best of a column is bold.

    Args:
        table: What :func:`leaderboards` returned. Nothing is bold where some methods
            have a distance and others a score.
    """
    head = ["method", "mean over samples", "mean over classes"]
    head += [f"{row.name} ({row.count})" for row in table.rows]
    columns = [table.overall, table.mean_of_categories]
    columns += [row.values for row in table.rows]
    distances = len(table.smaller_is_better)
    comparable = len(table.columns) > 1 and distances in (0, len(table.columns))
    choose = min if distances else max
    best = [choose(column) for column in columns]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for index, label in enumerate(table.columns):
        cells = [
            f"**{column[index]:.3f}**"
            if column[index] == most and comparable
            else f"{column[index]:.3f}"
            for column, most in zip(columns, best, strict=True)
        ]
        lines.append(f"| {' | '.join([label, *cells])} |")
    facts = ", ".join(f"{key}: {value}" for key, value in table.protocol.items())
    return "\n".join([f"{table.metric}; {facts}", "", *lines])


def _read(path: Path) -> ResultTable:
    try:
        return ResultTable.from_json(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: expected a file, found none") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: expected a table as results/test_voxel.json, found "
            f"{type(error).__name__}: {error}"
        ) from error
