# SPDX-License-Identifier: Apache-2.0
"""A run that is stopped, at any moment and in any way, ends with the same weights."""

import random
import signal
import time

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from toy_config import differences, load, run_tool, training_state, write_toy

# Dropout and careless random draws, so that any slip of the generators shows.
HARD = dict(
    model=dict(type="ToyModel", dropout=0.3),
    train_dataloader__dataset=dict(type="ToyData", global_noise=0.5),
)
BY_EPOCH = dict(HARD, train_cfg=dict(by_epoch=True, max_epochs=4))  # 3 iterations each
BY_ITERATION = dict(
    HARD,
    train_cfg=dict(by_epoch=False, max_iters=11, val_interval=4),
    param_scheduler=dict(type="CosineAnnealingLR", T_max=11, by_epoch=False),
    default_hooks__checkpoint=dict(
        type="CheckpointHook", by_epoch=False, interval=3, save_best="voxel/iou_max"
    ),
    log_processor=dict(by_epoch=False),
)
LOOPS = {"epoch": BY_EPOCH, "iteration": BY_ITERATION}


class Killed(BaseException):
    """Ends a run as a power cut does: nothing is saved or tidied up."""


@HOOKS.register_module()
class ToyKill(Hook):
    """Kills a run at a place: a method of hooks, and the iteration of its call."""

    priority = "LOWEST"

    def __init__(self, place: str, at: int):
        self.at = at
        setattr(self, place, self._kill)

    def _kill(self, runner, *args, **kwargs):
        if runner.iter == self.at:
            raise Killed


def stopped(at, place="after_train_iter", **changes):
    """Add a hook that kills a run."""
    return dict(changes, custom_hooks=[dict(type="ToyKill", place=place, at=at)])


@pytest.mark.parametrize("loop", LOOPS)
def test_killed_run_ends_like_one_that_never_stopped(train_toy, loop):
    reference = training_state(train_toy("reference", **LOOPS[loop]))
    for at in (1, 4, 7):
        with pytest.raises(Killed):
            train_toy(f"killed{at}", **stopped(at, **LOOPS[loop]))
        resumed = train_toy(f"killed{at}", "--resume", **LOOPS[loop])
        assert not differences(reference, training_state(resumed))


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("place", ["after_val_iter", "after_val_epoch", "before_val"])
def test_validation_that_was_missed_is_made_up_for(train_toy, loop, place):
    reference = train_toy("reference", **LOOPS[loop])
    at = 6 if loop == "epoch" else 8
    with pytest.raises(Killed):
        train_toy("killed", **stopped(at, place, **LOOPS[loop]))
    resumed = train_toy("killed", "--resume", **LOOPS[loop])
    assert not differences(training_state(reference), training_state(resumed))
    best = [next(folder.glob("best_*")) for folder in (reference, resumed)]
    assert best[0].name == best[1].name
    assert not differences(
        load(reference, best[0].name)["state_dict"],
        load(resumed, best[1].name)["state_dict"],
    )


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_saves_in_the_middle_and_resumes_exactly(
    train_toy, capsys, loop, number
):
    changes = LOOPS[loop]
    reference = training_state(train_toy("reference", **changes))
    trace = [dict(type="ToyTrace", signal_at=4, signal_number=int(number))]
    handler = signal.getsignal(number)
    folder = train_toy("stopped", code=130, **{**changes, "custom_hooks": trace})
    assert signal.getsignal(number) == handler
    assert capsys.readouterr().out.splitlines()[-1] == str(folder / "interrupted.pth")
    assert load(folder)["meta"]["iter"] == 5
    train_toy("stopped", "--resume", **changes)
    assert not differences(reference, training_state(folder))
    assert not (folder / "interrupted.pth").exists()


def test_signal_at_the_last_iteration_of_an_epoch(train_toy):
    reference = training_state(train_toy("reference", **BY_EPOCH))
    trace = [dict(type="ToyTrace", signal_at=5)]
    train_toy("stopped", code=130, **{**BY_EPOCH, "custom_hooks": trace})
    folder = train_toy("stopped", "--resume", **BY_EPOCH)
    assert not differences(reference, training_state(folder))


@pytest.mark.parametrize("ema", [False, True])
def test_signal_in_validation(train_toy, ema):
    hooks = [dict(type="EMAHook")] if ema else []
    changes = {**BY_EPOCH, "custom_hooks": hooks}
    reference = training_state(train_toy("reference", **changes))
    trace = dict(type="ToyTrace", signal_at=6, signal_in_validation=True)
    train_toy("stopped", code=130, **{**changes, "custom_hooks": [*hooks, trace]})
    folder = train_toy("stopped", "--resume", **changes)
    assert not differences(reference, training_state(folder))
    assert ("ema" in reference) == ema


@pytest.mark.parametrize("at", [3, 5, 7])
def test_accumulated_gradients_are_kept(train_toy, at):
    changes = {
        **BY_ITERATION,
        "optim_wrapper": dict(
            optimizer=dict(type="SGD", lr=0.05, momentum=0.9), accumulative_counts=3
        ),
    }
    reference = training_state(train_toy("reference", **changes))
    trace = [dict(type="ToyTrace", signal_at=at)]
    folder = train_toy("stopped", code=130, **{**changes, "custom_hooks": trace})
    gradients = load(folder)["run_state"]["processes"][0]["gradients"]
    assert (gradients is None) == ((at + 1) % 3 == 0)
    train_toy("stopped", "--resume", **changes)
    assert not differences(reference, training_state(folder))


def test_workers_and_mixed_precision(train_toy):
    changes = dict(
        train_dataloader__num_workers=1,
        train_cfg=dict(by_epoch=True, max_epochs=3),
    )
    reference = training_state(train_toy("reference", "--amp", **changes))
    trace = [dict(type="ToyTrace", signal_at=4)]
    train_toy("stopped", "--amp", code=130, **{**changes, "custom_hooks": trace})
    folder = train_toy("stopped", "--amp", "--resume", **changes)
    assert not differences(reference, training_state(folder))


def test_workers_do_not_change_the_weights(train_toy):
    plain = training_state(train_toy("plain"))
    workers = training_state(train_toy("workers", train_dataloader__num_workers=2))
    assert not differences(plain["state_dict"], workers["state_dict"])


def test_validation_does_not_change_the_weights(train_toy):
    changes = dict(model=dict(type="ToyModel", dropout=0.3))
    one = train_toy("one", **changes)
    rarely = dict(by_epoch=True, max_epochs=4, val_interval=3)
    other = train_toy("other", **changes, train_cfg=rarely)
    assert not differences(load(one)["state_dict"], load(other)["state_dict"])


def test_run_without_a_seed_resumes_with_the_seed_it_drew(train_toy):
    changes = {**BY_EPOCH, "randomness": dict(seed=None)}
    trace = [dict(type="ToyTrace", signal_at=4)]
    folder = train_toy("stopped", code=130, **{**changes, "custom_hooks": trace})
    seed = load(folder)["meta"]["seed"]
    train_toy("stopped", "--resume", **changes)
    reference = train_toy("reference", "--seed", seed, **changes)
    assert not differences(training_state(reference), training_state(folder))


@pytest.mark.parametrize("fail_at", [2, 3, 5])
def test_crash_while_writing_leaves_a_good_checkpoint(
    train_toy, tmp_path, monkeypatch, fail_at
):
    reference = training_state(train_toy("reference", **BY_EPOCH))
    save, calls = torch.save, []

    def crash(value, file):
        calls.append(file)
        save(value, file)
        if len(calls) == fail_at:
            file.truncate(file.tell() // 2)
            raise Killed

    monkeypatch.setattr(torch, "save", crash)
    with pytest.raises(Killed):
        train_toy("crashed", **BY_EPOCH)
    monkeypatch.undo()
    best = list((tmp_path / "crashed").glob("best_*"))
    assert len(best) == (fail_at > 2)  # the old one is there until the new one is
    work_dir = train_toy("crashed", "--resume", **BY_EPOCH)
    assert not differences(reference, training_state(work_dir))
    assert len(list(work_dir.glob("best_*"))) == 1
    assert not list(work_dir.glob(".*.part"))


def test_only_the_wanted_checkpoints_stay(train_toy):
    folder = train_toy("run", default_hooks__checkpoint__max_keep_ckpts=2)
    assert sorted(path.name for path in folder.glob("epoch_*.pth")) == [
        "epoch_3.pth",
        "epoch_4.pth",
    ]
    assert (folder / "last_checkpoint").read_text() == "epoch_4.pth"


def test_moved_folder_resumes(train_toy, tmp_path):
    reference = training_state(train_toy("reference", **BY_EPOCH))
    with pytest.raises(Killed):
        train_toy("killed", **stopped(7, **BY_EPOCH))
    (tmp_path / "killed").rename(tmp_path / "moved")
    folder = train_toy("moved", "--resume", **BY_EPOCH)
    assert not differences(reference, training_state(folder))


@pytest.mark.multiproc
def test_kill_9_at_a_random_moment(train_toy, tmp_path):
    """Bit for bit the same weights, with a program that is killed for real."""
    changes = dict(BY_EPOCH, train_cfg=dict(by_epoch=True, max_epochs=8))
    reference = training_state(train_toy("reference", **changes))
    trace = tmp_path / "trace.txt"
    slow = [dict(type="ToyTrace", path=str(trace), delay=0.02)]
    config = write_toy(tmp_path / "slow.py", **{**changes, "custom_hooks": slow})
    folder = tmp_path / "killed"
    arguments = ("train.py", config, "--work-dir", folder, "--resume", "auto")
    program = run_tool(*arguments, cwd=tmp_path)
    deadline = time.monotonic() + 60
    while not trace.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(random.uniform(0.05, 0.6))
    program.kill()
    program.communicate()
    assert program.returncode == -signal.SIGKILL
    done = len(trace.read_text().splitlines())
    program = run_tool(*arguments, cwd=tmp_path)
    output = program.communicate(timeout=60)[0]
    assert program.returncode == 0, output
    lines = trace.read_text().splitlines()
    assert len(lines) >= 24 and not differences(reference, training_state(folder)), done
