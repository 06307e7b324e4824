# SPDX-License-Identifier: Apache-2.0
"""Figures that results stand beside: sourced, consistent, the same in the README."""

import re

import pytest
import yaml

REQUIRED = ("name", "data", "measured_by", "source")
FIGURES = ("iou", "iou_by_views", "overall", "iou_max", "loss")
SUMMARIES = ("overall", "mean_of_categories")


@pytest.fixture(scope="module")
def folder(repository):
    return repository / "configs/r2n2"


@pytest.fixture(scope="module")
def results(folder):
    return yaml.safe_load((folder / "metafile.yml").read_text())["results"]


@pytest.fixture(scope="module")
def readme(folder):
    return (folder / "README.md").read_text()


def tables(results):
    """Yield each result with each of its dictionaries of figures."""
    for result in results:
        for key in ("iou", "iou_by_views"):
            for label, figures in result.get(key, {}).items():
                yield result, label, figures


def cells(text, first):
    """Return the cells of the table rows whose first cell is the given text."""
    found = [
        [cell.strip(" *") for cell in line.strip("|\n ").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    return [row[1:] for row in found if row[0] == first]


def shown(value):
    """Figures as tables print them: at least three decimals, no leading zero."""
    return re.sub("^0", "", f"{value:.4f}").removesuffix("0")


def test_every_result_says_on_what_data_and_by_whom(results):
    assert len(results) >= 12
    for result in results:
        for key in REQUIRED:
            assert isinstance(result.get(key), str) and result[key], (result, key)
        assert any(key in result for key in FIGURES), result["name"]
        assert "views" in result or "iou_by_views" in result, result["name"]
        if result.get("ours"):
            assert result["measured_by"] == "this repository"
            assert "ShapeNet" not in result["data"].replace("(not ShapeNet)", "")


def test_figures_are_probabilities_of_known_categories(results):
    for result, _, figures in tables(results):
        assert figures and all(0 < value < 1 for value in figures.values())
        known = {*result.get("samples", figures), *SUMMARIES}
        assert set(figures) <= known, result["name"]


def test_configs_and_pages_exist(results, folder, repository):
    named = [result["config"] for result in results if "config" in result]
    assert len(named) >= 5
    for name in named:
        assert (folder / name).is_file(), name
    for result in results:
        if result.get("ours"):
            assert (repository / result["source"]).is_file(), result["source"]


def test_means_are_those_of_the_categories(results):
    checked = 0
    for result, _, figures in tables(results):
        samples = result.get("samples")
        if not samples or not samples.keys() <= figures.keys():
            continue
        # Half a unit of the last place of what is printed, and of the mean itself.
        four = any(round(value, 3) != value for value in figures.values())
        tolerance = 1e-4 if four else 1.01e-3
        weighted = sum(count * figures[name] for name, count in samples.items())
        mean = weighted / sum(samples.values())
        assert mean == pytest.approx(figures["overall"], abs=tolerance), result["name"]
        if "mean_of_categories" in figures:
            mean = sum(figures[name] for name in samples) / len(samples)
            assert mean == pytest.approx(
                figures["mean_of_categories"], abs=tolerance
            ), result["name"]
        checked += 1
    assert checked >= 12
    assert sum(results[0]["samples"].values()) == 8770


def test_ours_are_those_of_the_results_page(results, repository):
    page = (repository / "docs/results/meshes.md").read_text()
    ours = [result for result in results if result.get("ours")]
    assert len(ours) == 3
    for column, result in enumerate(ours, 1):
        for name in result["samples"]:
            (row,) = (row for row in cells(page, name) if len(row) == 6)
            assert row[column] == shown(result["iou"][0.3][name]), (name, column)
        (row,) = cells(page, "mean over samples")
        assert row[column] == shown(result["iou"][0.3]["overall"])


def test_readme_shows_the_same_figures(results, readme):
    by_name = {result["name"]: result for result in results}
    paddle = by_name["Res3D-GRU-3, PaddlePaddle program"]
    views = by_name["3D-R2N2 (Res3D-GRU-3)"]["iou_by_views"]
    user = by_name["Pix2Vox-A, released weights"]["iou"]
    for name, count in paddle["samples"].items():
        rows = cells(readme, name)
        expected = [
            [f"{count}", *(f"{paddle['iou'][t][name]:.4f}"[1:] for t in paddle["iou"])],
            [shown(views[v][name]) for v in views],
        ]
        if name in user[0.2]:
            expected.append([f"{user[t][name]:.4f}"[1:] for t in user])
        for row in expected:
            assert row in rows, (name, row)
    for name in ("3D-LSTM-1", "3D-GRU-1", "3D-LSTM-3", "3D-GRU-3", "Res3D-GRU-3"):
        unit = by_name[name]
        assert any(
            row[-2:] == [shown(unit["loss"]), shown(unit["overall"])]
            for row in cells(readme, name)
        ), name
    for name in ("Pix2Vox-F", "Pix2Vox-A"):
        figures = by_name[name]["iou_by_views"]
        row = [shown(figures[v]["overall"]) for v in figures]
        assert row in cells(readme, name), name
    ours = [result["iou"][0.3] for result in results if result.get("ours")]
    for name in ours[0]:
        label = {
            "overall": "mean over samples",
            "mean_of_categories": "mean over classes",
        }
        row = [shown(figures[name]) for figures in ours]
        assert any(found[1:] == row for found in cells(readme, label.get(name, name)))
