# SPDX-License-Identifier: Apache-2.0
"""Tables: text, files, and side by side."""

import csv
import json

import pytest

from svr3d.metrics import ResultTable, merge_tables

PROTOCOL = {"split": "test", "views": 5, "unit": "voxels"}


def make_table(shift=0.0, **changes):
    settings = dict(
        categories=["chair", "lamp", "chair", "chair"],
        values=[[0.2 + shift, 0.4], [0.8 + shift, 0.0], [0.4 + shift, 0.4], [0.6, 1]],
        baselines={"chair": 0.55},
        taxonomy_ids={"lamp": "03636649"},
        protocol=PROTOCOL,
        summary={"iou_max": 0.5},
    )
    return ResultTable.from_samples(
        "voxel IoU", ["t=0.30", "t=0.40"], **{**settings, **changes}
    )


def test_means_over_samples_and_over_categories():
    table = make_table()
    assert [(row.name, row.count) for row in table.rows] == [("chair", 3), ("lamp", 1)]
    assert table.rows[0].values == pytest.approx((0.4, 0.6))
    assert table.overall == pytest.approx((0.5, 0.45))
    assert table.mean_of_categories == pytest.approx((0.6, 0.3))
    assert table.overall_baseline is None
    assert table.count == 4


def test_published_form():
    lines = make_table().to_text().splitlines()
    assert lines[1] == "Taxonomy\t#Sample\tBaseline\tt=0.30\tt=0.40\t"
    assert lines[2] == "chair   \t3\t0.5500\t\t0.4000\t0.6000\t"
    assert lines[3] == "lamp    \t1\tN/a\t\t0.8000\t0.0000\t"
    assert lines[4] == "Overall \t\t\t\t0.5000\t0.4500\t"


def test_report_states_the_protocol():
    report = make_table().to_report()
    assert report.startswith("voxel IoU (split=test, views=5, unit=voxels)\n")
    assert "mean over categories" in report
    assert "iou_max: 0.5000" in report


def test_json_holds_everything(tmp_path):
    table = make_table()
    text = table.to_json(tmp_path / "table.json")
    content = json.loads(text)
    assert content["protocol"] == PROTOCOL
    assert content["mean_of_categories"] == pytest.approx([0.6, 0.3])
    assert ResultTable.from_json(tmp_path / "table.json") == table


def test_csv_begins_with_the_protocol(tmp_path):
    make_table().to_csv(tmp_path / "table.csv")
    first, *rest = (tmp_path / "table.csv").read_text().splitlines()
    assert first == f"# voxel IoU; protocol: {json.dumps(PROTOCOL)}"
    rows = list(csv.DictReader(rest))
    assert rows[0]["category"] == "chair"
    assert rows[1]["taxonomy_id"] == "03636649"
    assert float(rows[2]["t=0.30"]) == pytest.approx(0.5)
    assert rows[3]["category"] == "mean over categories"


def test_merging():
    merged = merge_tables({"ours": make_table(), "theirs": make_table(0.1)})
    assert merged.columns == (
        "ours t=0.30",
        "ours t=0.40",
        "theirs t=0.30",
        "theirs t=0.40",
    )
    assert merged.overall == pytest.approx((0.5, 0.45, 0.575, 0.45))
    chosen = merge_tables(
        {"ours": make_table(), "theirs": make_table(0.1)},
        columns={"ours": "t=0.40", "theirs": "t=0.30"},
    )
    assert chosen.columns == ("ours", "theirs")
    assert chosen.rows[1].values == pytest.approx((0.0, 0.9))


def test_merging_refuses_what_cannot_be_compared():
    ours = make_table()
    other = make_table(protocol={**PROTOCOL, "views": 1})
    with pytest.raises(ValueError, match="protocol differs"):
        merge_tables({"ours": ours, "one view": other})
    other = make_table(categories=["chair", "lamp", "lamp", "chair"])
    with pytest.raises(ValueError, match="numbers of samples"):
        merge_tables({"ours": ours, "other": other})


def test_no_sample_is_an_error():
    with pytest.raises(ValueError, match="at least one sample"):
        make_table(categories=[], values=[])
