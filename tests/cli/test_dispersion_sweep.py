# SPDX-License-Identifier: Apache-2.0
"""``svr3d dispersion-sweep``: plans, what runs, what need not run again, pictures."""

import json
from pathlib import Path

import pytest
import yaml
from test_dispersion_score import CONFIG

from svr3d.analysis.dispersion.sweep_plan import read_plan, trend_table, trends
from svr3d.cli import dispersion_sweep
from svr3d.cli import main as console
from svr3d.cli.dispersion_sweep import choose_numbers, main
from svr3d.errors import ConfigError, SVR3DError

TRAINED = CONFIG.replace('"EllipsoidData")', '"EllipsoidData", size=12)').replace(
    "test_evaluator = []",
    """test_evaluator = [dict(type="PointDistances")]
default_hooks = dict(checkpoint=dict(type="AtomicCheckpointHook", interval=1))
train_dataloader.update(collate_fn=dict(type="default_collate"))
test_dataloader.update(collate_fn=dict(type="default_collate"))""",
)


@pytest.fixture
def commands(monkeypatch, tmp_path):
    """Let commands run in this process, and list them."""
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    monkeypatch.chdir(tmp_path)
    called = []

    def call(arguments, log, environment):
        called.append(list(arguments))
        if console.main(list(arguments)):
            raise SVR3DError(f"{arguments[0]} failed")
        return ""

    monkeypatch.setattr(dispersion_sweep, "call", call)
    return called


def test_sweep_goes_on_where_it_stopped(commands, tmp_path):
    (tmp_path / "ellipsoids.py").write_text(TRAINED)
    key = "train_dataloader.dataset.size"
    arguments = ["ellipsoids.py", "--vary", key, "6", "9", "--out", "sweep"]
    arguments += ["--features", "pixels", "-k", "2"]
    assert main(arguments) == 0
    names = [command[0] for command in commands]
    assert names == ["train", *["dispersion-score"] * 3, "test"] * 2
    content = json.loads((tmp_path / "sweep" / "sweep.json").read_text())
    assert [run["label"] for run in content["runs"]] == ["6", "9"]
    for run in content["runs"]:
        numbers = run["numbers"]
        # What is predicted are the 12 test shapes, whatever was trained on.
        assert numbers["predictions"] > 0 and numbers["images"] > 0
        assert any("chamfer" in name for name in numbers)
        folder = tmp_path / "sweep" / "runs" / run["label"] / "dispersion"
        trained = json.loads((folder / "shapes" / "dispersion.json").read_text())
        assert trained["protocol"]["samples"] == int(run["label"])
    first, second = (run["numbers"] for run in content["runs"])
    assert first["predictions"] == second["predictions"]
    assert first["shapes"] != second["shapes"]
    assert (tmp_path / "sweep" / "sweep.png").stat().st_size > 5000
    table = (tmp_path / "sweep" / "sweep.md").read_text()
    assert "| runs | 9 |" in table
    assert "Output DS | points/chamfer_x1000 |" in table.splitlines()[0]
    commands.clear()
    part = tmp_path / "sweep" / "runs" / "9" / "dispersion" / "predictions"
    (part / "dispersion.json").unlink()
    assert main(arguments) == 0
    assert [command[:2] for command in commands] == [
        ["dispersion-score", "predictions"]
    ]
    # Another run is not taken for this one.
    with pytest.raises(SVR3DError, match="expected the run"):
        main([*arguments, "--cfg-options", "train_dataloader.batch_size=2"])


def test_a_run_that_fails_does_not_stop_the_others(commands, tmp_path, capsys):
    (tmp_path / "good.py").write_text(TRAINED)
    (tmp_path / "bad.py").write_text(TRAINED.replace('"Repeater"', '"Nobody"'))
    arguments = ["bad.py", "good.py", "--out", "sweep", "--sets", "shapes"]
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert "failed: runs/bad: train failed" in captured.err
    assert captured.out.splitlines()[-1] == str(Path("sweep", "sweep.json"))


def test_metrics_to_draw():
    numbers = {"images": 1.0, "a/x": 2.0, "a/y": 3.0}
    assert choose_numbers(numbers, []) == {"images": 1.0, "a/x": 2.0}
    assert choose_numbers(numbers, ["a/y"]) == {"images": 1.0, "a/y": 3.0}
    assert list(choose_numbers(numbers | {"points/chamfer_x1000": 4.0}, [])) == [
        "images",
        "points/chamfer_x1000",
    ]
    with pytest.raises(ConfigError, match="expected some of a/x, a/y, found z"):
        choose_numbers(numbers, ["z"])


def test_seeds_are_averaged():
    plan = read_plan(
        {
            "seeds": [1, 2],
            "series": {"a b": {"config": "c.py", "vary": "x", "values": {"p/q": 3}}},
        },
        Path("folder"),
        source="plan.yml",
    )
    assert [run.name for run in plan.runs] == ["a_b/p_q/seed1", "a_b/p_q/seed2"]
    assert plan.runs[0].config == str(Path("folder", "c.py"))
    assert plan.runs[0].options == {"x": "3"}
    first, second = plan.runs
    results = [(first, {"images": 1.0}), (second, {"images": 3.0})]
    found = trends(results)
    assert found == {"images": {"a b": {"p/q": (2.0, 1.0, 2)}}}
    assert trend_table(found).splitlines()[-1] == "| a b | p/q | 2 ± 1 |"


@pytest.mark.parametrize(
    "change",
    [{"sries": {}}, {"series": {"a": {"config": "c.py"}}}, {"series": {"a": [1]}}],
)
def test_wrong_plans_are_named(change):
    with pytest.raises(ConfigError, match="plan.yml.*expected"):
        read_plan({"series": {}} | change, Path(), source="plan.yml")


@pytest.mark.parametrize("name", ["synthetic_narrow"])
def test_shipped_plans_name_sixteen_sets(repository, name):
    path = repository / "configs" / "dispersion" / f"{name}.yml"
    plan = read_plan(yaml.safe_load(path.read_text()), path.parent, source=str(path))
    files = [list(run.options.values())[0] for run in plan.runs]
    assert len(set(files)) == 16
    assert all(Path(run.config).is_file() for run in plan.runs)
