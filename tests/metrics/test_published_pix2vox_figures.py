# SPDX-License-Identifier: Apache-2.0
"""Pix2Vox's figures: sourced, the same wherever they stand, and none of ours."""

import pytest
import yaml

FOLDERS = ("pix2vox", "r2n2")


@pytest.fixture(scope="module")
def figures(repository):
    """Name of the result -> result, of both metafiles."""
    return {
        folder: {
            result["name"]: result
            for result in yaml.safe_load(
                (repository / "configs" / folder / "metafile.yml").read_text()
            )["results"]
        }
        for folder in FOLDERS
    }


def rows(repository, folder):
    text = (repository / "configs" / folder / "README.md").read_text()
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def test_every_result_says_on_what_data_and_by_whom(figures, repository):
    assert len(figures["pix2vox"]) == 4
    for result in figures["pix2vox"].values():
        for key in ("data", "measured_by", "source"):
            assert isinstance(result.get(key), str) and result[key]
        assert result["measured_by"] != "this repository"
        if "config" in result:
            assert (repository / "configs/pix2vox" / result["config"]).is_file()


def test_figures_that_3d_r2n2_is_compared_with_are_the_same(figures):
    for name in ("Pix2Vox-F", "Pix2Vox-A", "Pix2Vox-A, released weights"):
        ours, theirs = (figures[folder][name] for folder in FOLDERS)
        for key in ("iou", "iou_by_views", "parameters"):
            assert ours.get(key) == theirs.get(key), name


def test_readme_shows_the_same_figures(figures, repository):
    table = rows(repository, "pix2vox")
    for name in ("Pix2Vox-F", "Pix2Vox-A"):
        by_views = figures["pix2vox"][name]["iou_by_views"]
        row = [f"{by_views[views]['overall']:.3f}"[1:] for views in range(1, 6)]
        assert [name, *row] in table
    iou = figures["pix2vox"]["Pix2Vox-A, released weights"]["iou"]
    assert list(iou) == [0.2, 0.3, 0.4, 0.5] and len(iou[0.2]) == 11
    for category in iou[0.2]:
        row = [f"{iou[threshold][category]:.4f}"[1:] for threshold in iou]
        assert [category, *row] in table
