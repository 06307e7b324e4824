# SPDX-License-Identifier: Apache-2.0
"""Configs: finding, loading, overriding, writing and reading back."""

import argparse
import os
import textwrap

import pytest
import torch
from mmengine.config import Config

from svr3d.engine.config import (
    add_config_arguments,
    apply_options,
    config_from_text,
    config_to_text,
    find_config,
    load_config,
    shipped_configs,
)
from svr3d.engine.config_values import fit_value, parse_value
from svr3d.errors import ConfigError

BASE = """
from torch.optim import Adam

data_root = "data/first"
batch_size = 4
train_dataloader = dict(
    batch_size=batch_size, dataset=dict(data_root=data_root, sizes=(1, 2))
)
val_dataloader = dict(batch_size=1, dataset=dict(data_root="elsewhere"))
optim_wrapper = dict(type=Adam, lr=1e-3, betas=(0.9, 0.999), amsgrad=False)
custom_hooks = [dict(name="a", size=3), dict(name="b", size=4)]
work_dir = "text"
nothing = None
"""
LEAF = """
from mmengine.config import read_base

with read_base():
    from .base import *

from torch.optim import SGD

optim_wrapper.update(type=SGD)
"""


@pytest.fixture
def leaf(tmp_path):
    (tmp_path / "base.py").write_text(BASE)
    (tmp_path / "leaf.py").write_text(LEAF)
    return tmp_path / "leaf.py"


def load(leaf, **options):
    return load_config(
        leaf, {k.replace("__", "."): v for k, v in options.items()}, verbose=False
    )


def test_lazy_config_loads_from_any_directory(leaf, tmp_path, monkeypatch):
    away = tmp_path / "away"
    away.mkdir()
    monkeypatch.chdir(away)
    cfg = load_config(leaf)
    assert cfg.optim_wrapper.type is torch.optim.SGD
    assert cfg.train_dataloader.dataset.data_root == "data/first"
    assert load_config(os.path.relpath(leaf)).to_dict() == cfg.to_dict()


def test_text_form_loads(tmp_path):
    (tmp_path / "base.py").write_text("model = dict(type='Thing', size=3)\n")
    (tmp_path / "leaf.py").write_text("_base_ = './base.py'\nmodel = dict(size=4)\n")
    cfg = load_config(tmp_path / "leaf.py", {"model.size": "5"})
    assert cfg.model.to_dict() == {"type": "Thing", "size": 5}


def test_bases_of_the_shipped_configs_can_be_named_absolutely(tmp_path):
    if not shipped_configs():
        pytest.skip("no config is shipped")
    module = shipped_configs()[0].removesuffix(".py").replace("/", ".")
    (tmp_path / "mine.py").write_text(
        "from mmengine.config import read_base\nwith read_base():\n"
        f"    from svr3d.configs.{module} import *\nextra = 3\n"
    )
    cfg = load_config(tmp_path / "mine.py")
    assert cfg.extra == 3 and "model" in cfg


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-1e-4", -1e-4),
        ("inf", float("inf")),
        ("true", True),
        ("False", False),
        ("None", None),
        ("null", None),
        ("text", "text"),
        ("'3'", "3"),
        ("02691156", "02691156"),
        ("(0.9, 0.99)", (0.9, 0.99)),
        ("(1,)", (1,)),
        ("[1,2]", [1, 2]),
        ("1,2,3", [1, 2, 3]),
        ("[a, (b, 2), None]", ["a", ("b", 2), None]),
        (
            '{"type": "Adam", "lr": 1e-3, "x": null}',
            {"type": "Adam", "lr": 1e-3, "x": None},
        ),
        ("{'a': (1, 2)}", {"a": (1, 2)}),
        ("{a: [b, c]}", {"a": ["b", "c"]}),
        ("/data/a b", "/data/a b"),
        ("", ""),
    ],
)
def test_values_parse(text, value):
    parsed = parse_value(text)
    assert parsed == value and type(parsed) is type(value)


@pytest.mark.parametrize("text", ["[1, 2", "(1, [2)", "{a: 1", "[a, b)"])
def test_unbalanced_values_are_refused(text):
    with pytest.raises(ConfigError, match="do not match"):
        parse_value(text)


@pytest.mark.parametrize(
    ("new", "present", "value"),
    [
        ("3", 1.5, 3),
        ("0.5", 1, 0.5),
        ("1e3", 5, 1000),
        ("None", 3, None),
        ("3", None, 3),
        ("2024", "text", "2024"),
        ("a,b", "text", "a,b"),
        ("[a,b]", "text", ["a", "b"]),
        ("None", "text", None),
        ("[1, 2]", (3, 4), (1, 2)),
        ("1,2", [3], [1, 2]),
        ("True", False, True),
        ("SGD", torch.optim.Adam, "SGD"),
        (7, 3, 7),
    ],
)
def test_values_fit_what_they_replace(new, present, value):
    fitted = fit_value(new, present, path="key")
    assert fitted == value and type(fitted) is type(value)


@pytest.mark.parametrize(
    ("new", "present", "expected"),
    [
        ("abc", 3, "a whole number"),
        ("abc", 0.5, "a number"),
        ("True", 3, "a whole number"),
        ("1", True, "a bool"),
        ("3", (1, 2), "a tuple"),
        ("3", {"a": 1}, "a dictionary"),
        ("[1]", 3, "a whole number"),
        ("3", torch.optim.Adam, "the name of a class"),
    ],
)
def test_wrong_types_are_refused(new, present, expected):
    with pytest.raises(ConfigError, match=rf"model.key: expected {expected}") as caught:
        fit_value(new, present, path="model.key")
    assert "+model.key=" in str(caught.value)


def test_overrides_reach_dicts_lists_and_tuples(leaf):
    cfg = load(
        leaf,
        optim_wrapper__lr="1e-4",
        optim_wrapper__betas="(0.5, 0.9)",
        custom_hooks__1__size="7",
        train_dataloader__dataset__sizes__0="9",
        optim_wrapper__type="RMSprop",
    )
    assert cfg.optim_wrapper.to_dict() == {
        "type": "RMSprop",
        "lr": 1e-4,
        "betas": (0.5, 0.9),
        "amsgrad": False,
    }
    assert cfg.custom_hooks[1].size == 7 and cfg.custom_hooks[0].size == 3
    assert cfg.train_dataloader.dataset.sizes == (9, 2)


def test_dictionaries_merge_and_can_replace(leaf):
    cfg = load(leaf, **{"train_dataloader.dataset": '{"sizes": [5, 6]}'})
    assert cfg.train_dataloader.dataset.to_dict() == {
        "data_root": "data/first",
        "sizes": (5, 6),
    }
    cfg = load(leaf, **{"train_dataloader.dataset": '{"_delete_": true, "x": 1}'})
    assert cfg.train_dataloader.dataset.to_dict() == {"x": 1}


@pytest.mark.parametrize(
    ("path", "suggestion"),
    [
        ("optim_wraper.lr", "optim_wrapper"),
        ("optim_wrapper.lrr", "optim_wrapper.lr"),
        ("lr", "optim_wrapper.lr"),
        ("train_dataloader.sizes", "train_dataloader.dataset.sizes"),
    ],
)
def test_unknown_paths_are_refused_with_the_nearest(leaf, path, suggestion):
    with pytest.raises(ConfigError, match="there is no") as caught:
        load(leaf, **{path: "1"})
    assert f"Did you mean {suggestion}" in str(caught.value)
    assert f"+{path}=..." in str(caught.value)


def test_list_index_out_of_range_names_the_length(leaf):
    with pytest.raises(ConfigError, match="list of 2 items"):
        load(leaf, custom_hooks__2__size="1")


def test_plus_adds_new_keys(leaf):
    cfg = load(leaf, **{"+train_dataloader.dataset.deep.key": "[1, 2]", "+fresh": "x"})
    assert cfg.train_dataloader.dataset.deep.key == [1, 2] and cfg.fresh == "x"
    assert load(leaf, **{"+batch_size": "auto"}).batch_size == "auto"


def test_top_level_value_reaches_the_nested_keys_that_took_it(leaf, capsys):
    cfg = load_config(leaf, {"data_root": "/data", "batch_size": "8"})
    assert cfg.train_dataloader.to_dict() == {
        "batch_size": 8,
        "dataset": {"data_root": "/data", "sizes": (1, 2)},
    }
    # These had other values, so they did not come from the top-level keys.
    assert cfg.val_dataloader.batch_size == 1
    assert cfg.val_dataloader.dataset.data_root == "elsewhere"
    told = capsys.readouterr().err
    assert (
        "train_dataloader.dataset.data_root" in told
        and "train_dataloader.batch_size" in told
    )
    # The same holds for a config that was stored as text.
    stored = config_from_text(config_to_text(load_config(leaf)))
    apply_options(stored, {"data_root": "/data", "batch_size": "8"})
    assert stored.train_dataloader.to_dict() == cfg.train_dataloader.to_dict()


def test_top_level_none_and_lists_reach_nested_keys_too(tmp_path):
    file = tmp_path / "config.py"
    file.write_text(
        "root = None\nsize = (1, 2)\nnew = [dict(root=None, size=(1, 2), new=None)]\n"
    )
    options = {"root": "/data", "size": "(3, 4)", "+fresh": "1"}
    cfg = load_config(file, options, verbose=False)
    assert cfg.new[0].to_dict() == {"root": "/data", "size": (3, 4), "new": None}


def test_top_level_pipelines_reach_their_copies_under_other_names(tmp_path):
    file = tmp_path / "config.py"
    file.write_text(
        "from torch.nn import ReLU\nfrom torch.nn import Linear\n"
        "train_pipeline = [dict(type=ReLU, inplace=True), dict(type=Linear, size=3)]\n"
        "other = [dict(type=ReLU, inplace=True)]\n"
        "train_dataloader = dict(dataset=dict(pipeline=train_pipeline))\n"
        "val_dataloader = dict(dataset=dict(pipeline=other))\n"
        "test_dataloader = val_dataloader\n"
    )
    options = {"train_pipeline.1.size": "4", "train_pipeline.0.inplace": "False"}
    cfg = load_config(file, options, verbose=False)
    pipeline = cfg.train_dataloader.dataset.pipeline
    assert [pipeline[0].inplace, pipeline[1].size] == [False, 4]
    assert pipeline == cfg.train_pipeline and pipeline is not cfg.train_pipeline
    assert cfg.val_dataloader.dataset.pipeline[0].inplace is True
    # Keys that the runner reads stand for themselves, also if two are alike.
    cfg = load_config(file, {"val_dataloader.dataset.pipeline": "[]"}, verbose=False)
    assert len(cfg.test_dataloader.dataset.pipeline) == 1


@pytest.mark.parametrize("option", ["rate", "helper.x"])
def test_override_without_effect_is_refused(tmp_path, option):
    file = tmp_path / "config.py"
    file.write_text("rate = 3\nhelper = dict(x=3)\noptim_wrapper = dict(lr=rate)\n")
    with pytest.raises(ConfigError, match=f"{option}: the override would have no"):
        load_config(file, {option: "4"})
    assert load_config(file, {f"+{option}": "4"}).rate in (3, 4)
    load_config(file, {option: "3"})


def test_top_level_value_that_nothing_takes_is_refused(tmp_path):
    file = tmp_path / "config.py"
    file.write_text("data_root = 'a'\nloader = dict(data_root='b')\n")
    with pytest.raises(ConfigError, match="loader.data_root='b'"):
        load_config(file, {"data_root": "/data"})


def test_argparse_action_collects_pairs(capsys):
    parser = argparse.ArgumentParser()
    add_config_arguments(parser)
    assert parser.parse_args([]).cfg_options == {}
    args = parser.parse_args(
        ["--cfg-options", "a.b=1", "c=x=y", "--cfg-options", "+d=[1, 2]"]
    )
    assert args.cfg_options == {"a.b": "1", "c": "x=y", "+d": "[1, 2]"}
    assert parser.parse_args([]).cfg_options == {}
    with pytest.raises(SystemExit):
        parser.parse_args(["--cfg-options", "novalue"])
    assert "expected KEY=VALUE, found 'novalue'" in capsys.readouterr().err


def test_text_reads_back_by_us_and_by_mmengine(leaf):
    options = {"+odd": '{"a b": 1, "class": "{{x}}", "none": null}', "+far": "inf"}
    cfg = load_config(leaf, {**options, "work_dir": 'it\'s "quoted"\nand {{ base }}'})
    text = config_to_text(cfg)
    assert config_from_text(text).to_dict() == cfg.to_dict()
    assert Config.fromstring(text, ".py").to_dict() == cfg.to_dict()
    assert "torch.optim.SGD" in text and "read_base" not in text
    assert config_to_text(config_from_text(text)) == text


def test_text_of_real_classes_and_of_what_cannot_be_written():
    cfg = Config({"part": {"type": torch.nn.Linear}})
    assert config_from_text(config_to_text(cfg)).part.type.endswith("Linear")
    with pytest.raises(ConfigError, match="part.0: tensor"):
        config_to_text(Config({"part": [torch.zeros(1)]}))


@pytest.mark.parametrize(
    "line",
    [
        "import os",
        "x = __import__('os').system('true')",
        "x = open('/etc/passwd')",
        "x = [i for i in range(3)]",
        "def f(): pass",
        "x: int = 3",
    ],
)
def test_text_with_code_is_refused(line):
    with pytest.raises(ConfigError, match="model.pth, line 2: expected"):
        config_from_text(f"a = 1\n{line}\n", source="model.pth")


def test_custom_imports_work_in_lazy_configs(tmp_path, monkeypatch):
    (tmp_path / "svr3d_test_custom.py").write_text("value = 3\n")
    file = tmp_path / "config.py"
    file.write_text(
        "from torch.optim import Adam\n"
        "custom_imports = dict(imports=['svr3d_test_custom'])\n"
    )
    monkeypatch.delitem(os.sys.modules, "svr3d_test_custom", raising=False)
    with pytest.raises(ConfigError, match=f"PYTHONPATH={tmp_path}"):
        load_config(file)
    monkeypatch.syspath_prepend(str(tmp_path))
    load_config(file)
    assert os.sys.modules["svr3d_test_custom"].value == 3


def test_missing_config_names_the_nearest():
    with pytest.raises(ConfigError, match="There is no config 'no_such'"):
        find_config("no_such")
    if "r2n2/res3dgru_shapenet.py" in shipped_configs():
        with pytest.raises(ConfigError, match="r2n2/res3dgru_shapenet.py"):
            find_config("r2n2/res3dgru_shapent.py")
        expected = find_config("r2n2/res3dgru_shapenet.py")
        for name in ("configs/r2n2/res3dgru_shapenet.py", "res3dgru_shapenet"):
            assert find_config(name) == expected


def test_broken_config_names_file_line_and_rule(tmp_path):
    file = tmp_path / "config.py"
    file.write_text(
        textwrap.dedent("""
        import os
        from torch.optim import Adam
        root = os.environ.get("X")
        part = Adam(lr=3)
        """)
    )
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    text = str(caught.value)
    assert f"{file}, line 2: a config may not import os" in text
    assert f"{file}, line 5: Adam(...) calls the imported 'Adam'" in text


def test_syntax_error_names_file_and_line(tmp_path):
    file = tmp_path / "config.py"
    file.write_text("a = 1\nb = = 2\n")
    with pytest.raises(ConfigError, match=r"config.py, line 2: invalid syntax"):
        load_config(file)
