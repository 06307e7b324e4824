# SPDX-License-Identifier: Apache-2.0
"""The figures that results stand beside agree with themselves."""

import pytest
import yaml


@pytest.fixture(scope="module")
def models(repository):
    text = (repository / "configs/r2n2/metafile.yml").read_text()
    return yaml.safe_load(text)["models"]


def weighted(samples, figures):
    return sum(count * figures[name] for name, count in samples.items()) / sum(
        samples.values()
    )


def test_overall_is_the_mean_over_samples(models):
    test = models[0]["results"][0]
    assert sum(test["samples"].values()) == 8770
    for figures in test["iou"].values():
        mean = weighted(test["samples"], figures)
        assert mean == pytest.approx(figures["overall"], abs=1e-4)


def test_baselines_are_means_over_categories_and_samples(models):
    test = models[1]["results"][0]
    for figures in test["iou_by_views"].values():
        values = [figures[name] for name in test["samples"]]
        assert sum(values) / len(values) == pytest.approx(
            figures["mean_of_categories"], abs=6e-4
        )
        mean = weighted(test["samples"], figures)
        assert mean == pytest.approx(figures["overall"], abs=6e-4)


def test_configs_of_the_figures_exist(models, repository):
    named = [model["config"] for model in models if "config" in model]
    assert named
    for name in named:
        assert (repository / "configs/r2n2" / name).is_file()
