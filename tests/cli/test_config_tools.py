# SPDX-License-Identifier: Apache-2.0
"""The tools around configs: lint-config, list-registry, print-config."""

import json
import subprocess
import sys

import pytest
import torch

from svr3d.cli import lint_config, list_registry, print_config
from svr3d.engine.config import config_from_text
from svr3d.errors import CheckpointError, ConfigError

CLEAN = """
default_scope = "svr3d"
model = dict(type="torch.nn.Sequential")
protocol = dict(split="a", views=1, view_selection="first", unit=None,
                num_points=None, reference=None)
"""


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "clean.py"
    file.write_text(CLEAN)
    return file


def test_clean_config_is_reported_as_clean(config, capsys):
    assert lint_config.main([str(config)]) == 0
    assert f"{config}: clean" in capsys.readouterr().out


def test_problems_are_printed_for_each_config(config, tmp_path, capsys):
    broken = tmp_path / "broken.py"
    broken.write_text(CLEAN.replace("Sequential", "Sequentia"))
    unreadable = tmp_path / "unreadable.py"
    unreadable.write_text("x = = 1\n")
    code = lint_config.main([str(broken), str(unreadable), str(config)])
    text = capsys.readouterr().out
    assert code == 2
    assert "Did you mean torch.nn.Sequential" in text
    assert f"{unreadable}, line 1: invalid syntax" in text
    assert text.endswith("1 of 3 configs are clean\n")


def test_lint_sees_the_overrides(config, capsys):
    arguments = [str(config), "--cfg-options", "model.type=torch.nn.Lineer"]
    assert lint_config.main(arguments) == 2
    assert "torch.nn.Linear" in capsys.readouterr().out


def test_wrapper_runs_as_a_program_from_any_directory(config, repository, tmp_path):
    """Also: wrong input ends with a message and not a traceback."""
    tool = repository / "tools" / "misc" / "print_config.py"
    result = subprocess.run(
        [sys.executable, tool, config, "--cfg-options", "modl.type=3"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 2
    assert result.stderr.startswith("error: modl.type: there is no 'modl'")
    assert "Traceback" not in result.stderr


def test_print_config_shows_what_is_used(config, capsys):
    assert print_config.main([str(config), "--cfg-options", "protocol.views=5"]) == 0
    text = capsys.readouterr().out
    assert config_from_text(text).protocol.views == 5


def test_print_config_shows_how_two_differ(config, tmp_path, capsys):
    other = tmp_path / "other.py"
    other.write_text(CLEAN.replace("views=1", "views=3"))
    assert print_config.main([str(config), str(other)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("-") and "views=1" in line for line in lines)
    assert any(line.startswith("+") and "views=3" in line for line in lines)
    assert print_config.main([str(config), str(config)]) == 0


def test_print_config_reads_checkpoints(config, tmp_path, capsys):
    checkpoint = tmp_path / "last.pth"
    torch.save({"state_dict": {}, "meta": {"cfg": CLEAN}}, checkpoint)
    out = tmp_path / "deep" / "out.py"
    assert print_config.main([str(checkpoint), "--out", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    assert config_from_text(out.read_text()).protocol.split == "a"
    assert print_config.main([str(config), str(checkpoint)]) == 0


def test_print_config_refuses_foreign_checkpoints(tmp_path):
    foreign = tmp_path / "foreign.pth"
    torch.save({"weights": torch.zeros(2)}, foreign)
    with pytest.raises(CheckpointError, match="foreign.pth: expected"):
        print_config.main([str(foreign)])
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        print_config.main([str(tmp_path / "none.pth")])


def test_list_registry_prints_name_file_signature_and_doc(capsys):
    assert list_registry.main(["--all", "--registry", "hooks", "Checkpoint*"]) == 0
    text = capsys.readouterr().out
    assert "HOOKS\n=====\n" in text
    assert "CheckpointHook(interval: int = -1" in text
    assert "Save checkpoints periodically." in text
    assert "checkpoint_hook.py:" in text


def test_list_registry_leaves_upstream_out_unless_asked():
    parts = list_registry.collect()
    files = [row["file"] for rows in parts.values() for row in rows]
    assert files and not any("mmengine" in file for file in files)
    assert set(parts) & {"BACKBONES", "HEADS", "LOSSES"} == {
        "BACKBONES",
        "HEADS",
        "LOSSES",
    }


def test_every_part_of_svr3d_has_a_docstring():
    for title, rows in list_registry.collect().items():
        for row in rows:
            assert row["doc"] != "(no docstring)", f"{title}: {row['name']}"


def test_list_registry_as_json(capsys):
    assert list_registry.main(["--json", "--registry", "BACKBONES"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["parts"]["BACKBONES"][0]["signature"]


def test_list_registry_without_match_and_with_wrong_name(capsys):
    assert list_registry.main(["NoSuchPartAtAll"]) == 1
    assert "no part matches" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="BACKBONES"):
        list_registry.main(["--registry", "BACKBONE"])
