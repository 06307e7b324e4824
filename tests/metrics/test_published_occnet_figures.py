# SPDX-License-Identifier: Apache-2.0
"""Figures of Occupancy Networks: sourced, under a stated protocol, none of ours."""

import re

import pytest
import torch
import yaml
from mmengine.registry import MODELS, DefaultScope

from svr3d.engine.config import load_config

FIGURES = ("iou", "chamfer_l1", "normal_consistency")
MEAN = "mean_of_categories"


@pytest.fixture(scope="module")
def folder(repository):
    return repository / "configs/occnet"


@pytest.fixture(scope="module")
def results(folder):
    content = yaml.safe_load((folder / "metafile.yml").read_text())
    return {result["name"]: result for result in content["results"]}


@pytest.fixture(scope="module")
def rows(folder):
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (folder / "README.md").read_text().splitlines()
        if line.startswith("|")
    ]


def shown(value):
    return "–" if value is None else f"{value:.3f}".removeprefix("0")


def test_every_result_says_on_what_data_by_whom_and_how(results, folder):
    assert len(results) == 11
    for result in results.values():
        for key in ("data", "measured_by", "source"):
            assert isinstance(result.get(key), str) and result[key], result
        assert {"points", "threshold"} <= result["protocol"].keys()
        assert result["measured_by"] != "this repository"
        figures = [value for key in FIGURES for value in result.get(key, {}).values()]
        assert figures and all(0 < value < 1 for value in figures)
        if "config" in result:
            model = load_config(str(folder / result["config"]), verbose=False).model
            with DefaultScope.overwrite_default_scope("svr3d"), torch.device("meta"):
                parameters = MODELS.build(model).parameters()
            assert sum(p.numel() for p in parameters) == result["parameters"]
    assert sum("config" in result for result in results.values()) == 7


def test_means_are_those_of_the_categories(results):
    for key in FIGURES:
        figures = dict(results["ONet, updated model"][key])
        mean = figures.pop(MEAN)
        assert len(figures) == 13
        assert sum(figures.values()) / 13 == pytest.approx(mean, abs=5e-4)


def test_readme_shows_the_same_figures(results, rows):
    ours = results["ONet, updated model"]
    for category in ours["iou"]:
        row = [shown(ours[key][category]) for key in FIGURES]
        assert [category.replace("_", " "), *row] in rows
    others = ("3D-R2N2", "PSGN", "Pix2Mesh", "AtlasNet")
    for name in others:
        row = [shown(results[name].get(key, {}).get(MEAN)) for key in FIGURES]
        assert [name, *row] in rows
    for name in (
        "EfficientNet-b0 + FC",
        "EfficientNet-b0 + CBN",
        "ResNet-18 + CBN (256)",
    ):
        row = [shown(results[name][key]["overall"]) for key in FIGURES]
        assert [name, *row] in rows
    # Measured otherwise, and said so where they stand.
    protocols = {name: results[name]["protocol"] for name in results}
    assert protocols["EfficientNet-b0 + CBN"] != protocols["ONet, updated model"]


def test_every_config_stands_in_the_table(rows, folder):
    listed = {name for row in rows for name in re.findall(r"`(\w+\.py)`", row[0])}
    assert listed == {path.name for path in folder.glob("*.py")}
