# SPDX-License-Identifier: Apache-2.0
"""Leaderboards know in which direction a column improves."""

import json

import pytest

from svr3d.analysis.leaderboard import Entry, leaderboards, to_markdown
from svr3d.errors import DataError
from svr3d.metrics import ResultTable

COLUMNS = ("Chamfer", "F")


def write(path, near, score, **protocol):
    table = ResultTable.from_samples(
        "distances",
        COLUMNS,
        categories=["chair", "lamp"],
        values=[[near, score], [near, score]],
        protocol=protocol,
        smaller_is_better=["Chamfer"],
    )
    table.to_json(path)
    return path


def entries(column, *files):
    return [Entry.parse(f"{path.stem}={path}@{column}") for path in files]


@pytest.fixture
def files(tmp_path):
    return write(tmp_path / "a.json", 0.1, 0.4), write(tmp_path / "b.json", 0.2, 0.6)


def bold(table):
    lines = to_markdown(table).splitlines()
    return [line.split(" | ")[0].strip("| ") for line in lines if "**" in line]


def test_best_is_the_smallest_distance_and_the_largest_score(files):
    (distances,) = leaderboards(entries("Chamfer", *files))
    assert bold(distances) == ["a"]
    (scores,) = leaderboards(entries("F", *files))
    assert bold(scores) == ["b"]


def test_distances_and_scores_have_no_common_best(files):
    mixed = [*entries("Chamfer", files[0]), *entries("F", files[1])]
    (table,) = leaderboards(mixed)
    assert bold(table) == []


def test_files_of_before_hold_scores(files):
    for path in files:
        content = json.loads(path.read_text())
        del content["smaller_is_better"]
        path.write_text(json.dumps(content))
    (table,) = leaderboards(entries("F", *files))
    assert bold(table) == ["b"]


def test_protocols_make_tables_and_labels_are_unique(files, tmp_path):
    other = write(tmp_path / "c.json", 0.1, 0.5, views=5)
    assert len(leaderboards(entries("F", *files, other))) == 2
    with pytest.raises(DataError, match="a: found twice under one protocol"):
        leaderboards(entries("F", files[0], files[0]))
    with pytest.raises(DataError, match="one of the columns Chamfer, F"):
        entries("volume", files[0])
