# SPDX-License-Identifier: Apache-2.0
"""The shipped configs of occupancy networks train, validate and test."""

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from toy_config import differences, load, training_state

from svr3d.cli import main as console
from svr3d.engine.config import config_to_text, load_config


@pytest.mark.parametrize(
    "name",
    [
        "onet_narrow_synthetic",
        "onet_narrow_custom",
        "onet_views_custom",
        "local_views_custom",
    ],
)
def test_shipped_config_trains_and_tests(name, data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    monkeypatch.chdir(tmp_path)
    options = {
        "data_root": data,
        "train_cfg.max_epochs": 1,
        "train_cfg.val_interval": 1,
        "train_dataloader.batch_size": 2,
    }
    options = [f"{key}={value}" for key, value in options.items()]
    command = ["train", f"occnet/{name}.py", "--work-dir", "run", "--cfg-options"]
    assert console.main([*command, *options]) == 0
    best = capsys.readouterr().out.splitlines()[-1]
    state = load(tmp_path / "run")
    assert state["meta"]["iter"] >= 2
    assert all(
        torch.isfinite(value).all()
        for value in state["state_dict"].values()
        if value.is_floating_point()
    )
    assert console.main(["test", best]) == 0
    assert "voxel/iou_max" in capsys.readouterr().out


class Killed(BaseException):
    """Ends a run as a power cut does: nothing is saved or tidied up."""


@HOOKS.register_module()
class PointsRecorder(Hook):
    """Keeps the sum of each iteration's points; kills the run at one of them."""

    seen: dict = {}

    def __init__(self, kill_at: int = -1):
        self.kill_at = kill_at

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.kill_at:
            raise Killed
        self.seen.setdefault(runner.iter, []).append(data_batch["points"].clone())


def test_resumed_run_sees_the_same_points_and_ends_alike(data, tmp_path, monkeypatch):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    monkeypatch.setattr(PointsRecorder, "seen", {})

    def train(name, *arguments, kill_at=-1):
        cfg = load_config("occnet/onet_narrow_custom.py", verbose=False)
        cfg.merge_from_dict(
            {
                "train_dataloader.batch_size": 2,
                "train_cfg.max_epochs": 3,
                "train_cfg.val_interval": 3,
                "custom_hooks": [dict(type="PointsRecorder", kill_at=kill_at)],
            }
        )
        for mode in ("train", "val", "test"):
            cfg[f"{mode}_dataloader"].dataset.data_root = str(data)
        path = tmp_path / f"{name}{kill_at}.py"
        path.write_text(config_to_text(cfg))
        command = ["train", str(path), "--work-dir", str(tmp_path / name), *arguments]
        return console.main(command)

    assert train("whole") == 0
    with pytest.raises(Killed):
        train("killed", kill_at=3)
    assert train("killed", "--resume") == 0
    whole, resumed = (training_state(tmp_path / name) for name in ("whole", "killed"))
    assert not differences(whole, resumed)
    seen = PointsRecorder.seen
    assert sorted(seen) == list(range(whole["place"]["iter"]))
    for first, *others in seen.values():
        assert others and all(torch.equal(first, other) for other in others)
    assert not torch.equal(seen[0][0], seen[2][0])
