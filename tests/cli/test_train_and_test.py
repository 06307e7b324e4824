# SPDX-License-Identifier: Apache-2.0
"""``svr3d train`` and ``svr3d test``: files, last lines, exit codes, messages."""

import json
import signal
import sys
import time
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from toy_config import TOY, load, run_tool, write_toy  # noqa: E402

from svr3d.cli import main as console  # noqa: E402


@pytest.fixture
def svr3d(monkeypatch, tmp_path, capsys):
    """Function that runs a command and returns code, output lines and errors."""
    monkeypatch.syspath_prepend(str(TOY))
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    monkeypatch.setattr(sys, "argv", ["svr3d"])
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = console.main(list(map(str, arguments)))
        captured = capsys.readouterr()
        return code, captured.out.splitlines(), captured.err

    return run


def test_train_then_test_from_the_checkpoint_alone(svr3d, tmp_path):
    config = write_toy(tmp_path / "mine.py")
    code, lines, _ = svr3d("train", config, "--seed", 1)
    best = Path(lines[-1])
    folder = tmp_path / "work_dirs" / "mine"
    assert code == 0 and best.is_file() and best.parent == folder
    assert (folder / "mine.py").is_file() and load(folder)["meta"]["seed"] == 1
    config.unlink()
    code, lines, _ = svr3d("test", best, "--out", "numbers.json")
    assert (code, lines[-1]) == (0, "numbers.json")
    score = json.loads(Path("numbers.json").read_text())["voxel/iou_max"]
    assert score == pytest.approx(
        load(folder)["message_hub"]["runtime_info"]["best_score"]
    )
    code, lines, _ = svr3d("test", best)
    assert lines[-1] == str(folder / "test")
    # Overrides reach the stored config, and a config may be given as well.
    options = ("--cfg-options", "test_dataloader.batch_size=3", "--work-dir", "other")
    code, lines, _ = svr3d("test", best, *options)
    assert (code, lines[-1]) == (0, "other")
    assert any("[4/4]" in line for line in lines)
    write_toy(config)
    code, lines, _ = svr3d("test", config, best, "--out", "again.json")
    assert json.loads(Path("again.json").read_text())["voxel/iou_max"] == score


def test_checkpoints_that_cannot_be_tested(svr3d, tmp_path):
    config = write_toy(tmp_path / "toy.py")
    path = tmp_path / "foreign.pth"
    torch.save({"state_dict": torch.nn.Linear(2, 2).state_dict()}, path)
    code, _, errors = svr3d("test", path)
    assert code == 2 and "stores its config" in errors
    code, _, errors = svr3d("test", config, path)
    assert (
        code == 2 and "of another model" in errors and "2 unexpected: weight" in errors
    )
    path.write_bytes(path.read_bytes()[:-30])
    code, _, errors = svr3d("test", config, path)
    assert code == 2 and "truncated" in errors
    code, _, errors = svr3d("test", config, "nowhere.pth")
    assert code == 2 and "no such checkpoint" in errors
    with pytest.raises(SystemExit):
        svr3d("test", config, path, "third")


def test_bad_configs_and_folders(svr3d, tmp_path):
    config = write_toy(tmp_path / "toy.py", model=dict(type="ToyModl"))
    code, _, errors = svr3d("train", config)
    assert code == 2 and "ToyModel" in errors
    config = write_toy(tmp_path / "toy.py")
    code, _, errors = svr3d("train", config, "--cfg-options", "model.wdth=3")
    assert code == 2 and "model.wdth" in errors
    code, _, errors = svr3d("train", config, "--work-dir", config / "below")
    assert code == 2 and "--work-dir" in errors and "can be written" in errors
    code, _, errors = svr3d("train", config, "--resume", "nowhere.pth")
    assert code == 2 and "no such checkpoint" in errors


def test_loss_that_is_not_finite(svr3d, tmp_path):
    config = write_toy(
        tmp_path / "toy.py",
        train_dataloader__dataset=dict(type="ToyData", bad=3),
        train_dataloader__sampler=dict(type="GlobalSampler", shuffle=False),
        train_dataloader__batch_sampler=dict(type="GlobalBatchSampler"),
        default_hooks__checkpoint=dict(
            type="AtomicCheckpointHook", by_epoch=False, interval=1
        ),
        train_dataloader__batch_size=2,
    )
    code, _, errors = svr3d("train", config, "--work-dir", "bad")
    assert code == 2 and "Traceback" not in errors
    assert "samples of the batch: 03/002, 03/003" in errors
    assert "last good checkpoint is" in errors and "iter_1.pth" in errors
    record = json.loads(Path("bad/nonfinite_loss.json").read_text())
    assert record["sample_ids"] == ["03/002", "03/003"]
    assert (record["epoch"], record["iteration"]) == (0, 1)
    weights = load(Path("bad"))["state_dict"].values()
    assert all(torch.isfinite(value).all() for value in weights)


def test_another_evaluation_than_the_configs(svr3d, tmp_path):
    _, lines, _ = svr3d("train", write_toy(tmp_path / "mine.py"), "--seed", 1)
    best = lines[-1]
    Path("two.py").write_text(
        "test_evaluator = [dict(type='ToyMetric')]\ntest_dataset = dict(size=2)\n"
    )
    for source in ([best], [tmp_path / "mine.py", best]):
        code, lines, _ = svr3d("test", *source, "--evaluation", "two.py")
        assert code == 0 and any("[1/1]" in line for line in lines)
        code, lines, _ = svr3d("test", *source)
        assert code == 0 and not any("[1/1]" in line for line in lines)
    code, _, error = svr3d("test", best, "--evaluation", "aligned_pionts")
    assert code == 2 and "aligned_points" in error
    Path("empty.py").write_text("protocol = dict(split='two')\n")
    code, _, error = svr3d("test", best, "--evaluation", "empty.py")
    assert code == 2 and "empty.py: expected test_evaluator" in error


@pytest.mark.parametrize("command", ["train", "test"])
def test_help_has_an_example(svr3d, capsys, command):
    with pytest.raises(SystemExit) as caught:
        svr3d(command, "--help")
    assert caught.value.code == 0
    assert f"svr3d {command} " in capsys.readouterr().out.partition("examples:")[2]


@pytest.mark.multiproc
def test_ctrl_c_to_the_whole_group_keeps_a_checkpoint(tmp_path):
    trace = tmp_path / "trace.txt"
    config = write_toy(
        tmp_path / "toy.py",
        train_dataloader__num_workers=1,
        train_cfg=dict(by_epoch=True, max_epochs=500),
        custom_hooks=[dict(type="ToyTrace", path=str(trace), delay=0.02)],
    )
    program = run_tool(
        "train.py", config, "--work-dir", "run", cwd=tmp_path, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (
        trace.exists() and trace.read_text().count("\n") > 4
    ):
        time.sleep(0.02)
    import os

    os.killpg(program.pid, signal.SIGINT)  # as a terminal does, workers included
    output = program.communicate(timeout=60)[0]
    assert program.returncode == 130, output
    assert "Traceback" not in output and "KeyboardInterrupt" not in output
    assert output.splitlines()[-1].endswith("run/interrupted.pth")
    done = len(trace.read_text().splitlines())
    assert load(tmp_path / "run")["meta"]["iter"] == done
