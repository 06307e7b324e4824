# SPDX-License-Identifier: Apache-2.0
"""Every shipped config loads from anywhere, is clean, and means the same as text."""

import pytest

from svr3d.engine.config import (
    config_folder,
    config_from_text,
    config_to_text,
    find_config,
    load_config,
    shipped_configs,
)
from svr3d.engine.lint import lint_config

CONFIGS = shipped_configs()


def problems_of(cfg):
    return [str(problem) for problem in lint_config(cfg)]


def bare_names(value):
    """Return a config where each part goes by its bare name, as in the text form."""
    if isinstance(value, dict):
        return {
            key: item.rpartition(".")[2]
            if key == "type" and isinstance(item, str)
            else bare_names(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return type(value)(bare_names(item) for item in value)
    return value


def test_configs_are_shipped():
    assert {"r2n2/res3dgru_shapenet.py", "r2n2/res3dgru_synthetic.py"} <= set(CONFIGS)


@pytest.mark.parametrize("name", CONFIGS)
def test_config_is_clean_from_any_directory(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert problems_of(load_config(name)) == []


@pytest.mark.parametrize("name", CONFIGS)
def test_config_is_clean_as_text_and_by_bare_names(name):
    text = config_to_text(load_config(name))
    cfg = config_from_text(text)
    assert problems_of(cfg) == []
    for key, value in bare_names(cfg.to_dict()).items():
        cfg[key] = value
    assert problems_of(cfg) == []


@pytest.mark.parametrize("name", CONFIGS)
def test_leaf_is_short_and_data_root_reaches_every_data_set(name):
    assert len(find_config(name).read_text().splitlines()) <= 80
    cfg = load_config(name, {"data_root": "/elsewhere"}, verbose=False)
    loaders = [cfg.get(f"{mode}_dataloader") for mode in ("train", "val", "test")]
    roots = [loader.dataset.data_root for loader in loaders if loader is not None]
    assert roots and set(roots) == {"/elsewhere"}


@pytest.mark.parametrize(
    "path", sorted(config_folder().rglob("_base_/**/*.py")), ids=str
)
def test_base_loads_alone(path):
    assert load_config(path).to_dict()
