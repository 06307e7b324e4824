# SPDX-License-Identifier: Apache-2.0
"""Tables side by side, if their protocols allow it."""

from collections.abc import Mapping

from svr3d.metrics.result_table import ResultRow, ResultTable, plain


def merge_tables(
    tables: Mapping[str, ResultTable], *, columns: Mapping[str, str] | None = None
) -> ResultTable:
    """Put tables of one protocol side by side.

    Args:
        tables: Label -> table.
        columns: Label -> the column to take of that table; by default all.

    Returns:
        A table whose columns are named '<label> <column>', or '<label>' where one
        column was chosen.

    Raises:
        ValueError: If metric, protocol or samples per category differ.
    """
    (first_label, first), *others = tables.items()
    for label, table in others:
        for name in ("metric", "protocol"):
            _require_equal(name, first_label, first, label, table)
        if _counts(table) != _counts(first):
            raise ValueError(
                f"tables {first_label!r} and {label!r} have different categories or "
                f"numbers of samples: {_counts(first)} and {_counts(table)}"
            )
    labels, picks = [], []
    for label, table in tables.items():
        chosen = (columns or {}).get(label)
        for index, column in enumerate(table.columns):
            if chosen is None or column == chosen:
                labels.append(label if chosen else f"{label} {column}")
                picks.append((table, index))
    by_name = [{row.name: row for row in table.rows} for table, _ in picks]
    rows = tuple(
        ResultRow(
            row.name,
            row.count,
            tuple(
                names[row.name].values[index]
                for names, (_, index) in zip(by_name, picks, strict=True)
            ),
            row.baseline,
            row.taxonomy_id,
        )
        for row in first.rows
    )
    overall = tuple(table.overall[index] for table, index in picks)
    distances = tuple(
        label
        for label, (table, index) in zip(labels, picks, strict=True)
        if table.columns[index] in table.smaller_is_better
    )
    return ResultTable(
        first.metric,
        tuple(labels),
        rows,
        overall,
        first.protocol,
        smaller_is_better=distances,
    )


def _require_equal(
    name: str, first_label: str, first: ResultTable, label: str, table: ResultTable
):
    ours, theirs = plain(getattr(first, name)), plain(getattr(table, name))
    if ours != theirs:
        raise ValueError(
            f"tables {first_label!r} and {label!r} cannot stand side by side, as their "
            f"{name} differs: {ours} and {theirs}"
        )


def _counts(table: ResultTable) -> dict[str, int]:
    return {row.name: row.count for row in sorted(table.rows, key=lambda r: r.name)}
