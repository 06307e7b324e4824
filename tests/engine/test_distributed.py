# SPDX-License-Identifier: Apache-2.0
"""Several processes give what one gives, and stop together."""

import signal
import subprocess

import pytest
import torch
from toy_config import REPOSITORY, environment, load, write_toy

pytestmark = pytest.mark.multiproc
# 12 samples in batches of 5: shares of 3 and 2, and a last batch of 1 and 1. Three
# processes have 2, 2 and 1, and of the last batch 1, 1 and none.
UNEVEN = dict(
    train_dataloader__dataset=dict(type="ToyData", size=12),
    train_dataloader__batch_size=5,
    train_cfg=dict(by_epoch=True, max_epochs=3),
    # Not Adam, which would hide gradients of a wrong scale.
    optim_wrapper=dict(optimizer=dict(type="SGD", lr=0.05, momentum=0.9)),
)


def launch(config, work_dir, *arguments, processes=2, script="dist_train.sh"):
    """Start a script of ``tools/`` from another directory."""
    return subprocess.run(
        [REPOSITORY / "tools" / script, config, str(processes)]
        + ["--work-dir", work_dir, *map(str, arguments)],
        env=environment(),
        cwd=config.parent,
        capture_output=True,
        text=True,
        timeout=200,
    )


def traced(tmp_path, name, **hook):
    """A config whose losses are written to a file."""
    path = tmp_path / f"{name}.txt"
    trace = dict(type="ToyTrace", path=str(path), **hook)
    config = write_toy(tmp_path / f"{name}.py", **UNEVEN, custom_hooks=[trace])
    return config, path


def losses(path):
    return torch.tensor([float(line.split()[1]) for line in path.open()])


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_give_the_losses_of_one(train_toy, tmp_path, processes):
    config, path = traced(tmp_path, "two words")  # arguments are quoted
    result = launch(config, tmp_path / "two", processes=processes)
    assert result.returncode == 0, result.stdout + result.stderr
    one = tmp_path / "one.txt"
    trace = dict(type="ToyTrace", path=str(one))
    folder = train_toy("one", **UNEVEN, custom_hooks=[trace])
    assert len(losses(one)) == 9
    torch.testing.assert_close(losses(path), losses(one), rtol=1e-4, atol=1e-5)
    weights = load(folder)["state_dict"], load(tmp_path / "two")["state_dict"]
    torch.testing.assert_close(*weights, rtol=1e-4, atol=1e-5)
    assert str(tmp_path / "two") in result.stdout.splitlines()[-1]

    if processes > 2:
        return
    best = next((tmp_path / "two").glob("best_*"))
    result = launch(best, tmp_path / "test", script="dist_test.sh")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "voxel/iou_max" in result.stdout


def test_signal_to_one_process_stops_all_and_resumes_exactly(tmp_path):
    config, path = traced(tmp_path, "whole")
    assert launch(config, tmp_path / "whole").returncode == 0
    hook = dict(signal_at=4, signal_rank=1, signal_number=int(signal.SIGTERM))
    stopping, stopped = traced(tmp_path, "stopped", **hook)
    result = launch(stopping, tmp_path / "run")
    assert result.returncode != 0
    assert str(tmp_path / "run" / "interrupted.pth") in result.stdout, result.stderr
    assert len(losses(stopped)) == 5
    assert len(load(tmp_path / "run")["run_state"]["processes"]) == 2
    going_on, rest = traced(tmp_path, "rest")
    result = launch(going_on, tmp_path / "run", "--resume")
    assert result.returncode == 0, result.stdout + result.stderr
    found = torch.cat([losses(stopped), losses(rest)])
    assert torch.equal(found, losses(path))
    weights = load(tmp_path / "whole"), load(tmp_path / "run")
    for name, value in weights[0]["state_dict"].items():
        assert torch.equal(value, weights[1]["state_dict"][name]), name


def test_one_bad_loss_ends_all_processes_with_the_ids(tmp_path):
    changes = {**UNEVEN, "train_dataloader__dataset": dict(type="ToyData", bad=3)}
    config = write_toy(tmp_path / "bad.py", **changes)
    result = launch(config, tmp_path / "bad")
    assert result.returncode != 0
    assert "03/003" in (tmp_path / "bad" / "nonfinite_loss.json").read_text()
    assert "found loss" in result.stderr and "03/003" in result.stderr


def test_wrong_use_of_the_scripts(tmp_path):
    for script in ("dist_train.sh", "dist_test.sh", "slurm_train.sh"):
        result = subprocess.run(
            [REPOSITORY / "tools" / script], capture_output=True, text=True
        )
        assert result.returncode == 2 and f"tools/{script}" in result.stderr
        assert "set -e" not in result.stderr
    config = write_toy(tmp_path / "toy.py")
    result = launch(config, tmp_path / "run", processes="two")
    assert result.returncode == 2 and "found 'two'" in result.stderr
