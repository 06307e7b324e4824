# SPDX-License-Identifier: Apache-2.0
"""The shipped configs of Pix2Vox: recipe, training, and weights of the program."""

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, DefaultScope
from toy_config import load

from svr3d.cli import main as console
from svr3d.converters.pix2vox import restore_pix2vox_names
from svr3d.engine.checkpoint import load_model
from svr3d.engine.config import load_config

# Refiner and decoder of Pix2Vox-A with fewer channels: the full ones take 1.8 GB of
# optimiser state.
NARROW_A = {
    "model.head.widths": "(2048, 32, 16, 8, 8)",
    "model.refiner.widths": "(4, 8, 16)",
    "model.refiner.hidden_features": "32",
}
CONFIGS = {"pix2vox_f_shapenet": {}, "pix2vox_a_shapenet": NARROW_A}


@pytest.mark.parametrize("name", [*CONFIGS, "pix2vox_f_synthetic"])
def test_shipped_config_trains_and_tests(name, data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    monkeypatch.chdir(tmp_path)
    loaders = [f"{mode}_dataloader.num_workers=0" for mode in ("train", "val", "test")]
    options = {
        "data_root": data,
        "train_cfg.max_epochs": 1,
        "train_cfg.val_interval": 1,
        "train_dataloader.batch_size": 2,
        "model.backbone.trunk.pretrained": None,
        **CONFIGS.get(name, {}),
    }
    options = [f"{key}={value}" for key, value in options.items()] + loaders
    command = ["train", f"pix2vox/{name}.py", "--work-dir", "run", "--cfg-options"]
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


@pytest.mark.parametrize("name", CONFIGS)
def test_each_part_has_its_published_rate_and_schedule(name):
    cfg = load_config(f"pix2vox/{name}.py", CONFIGS[name], verbose=False)
    with DefaultScope.overwrite_default_scope("svr3d"):
        model = MODELS.build(cfg.model)
        optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    rates = {
        id(parameter): group["lr"]
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    expected = {"backbone": 1e-3, "head": 1e-3, "fusion": 1e-4, "refiner": 1e-3}
    for full_name, parameter in model.named_parameters():
        part = full_name.partition(".")[0]
        if full_name.startswith("backbone.trunk."):
            assert not parameter.requires_grad
            continue
        assert rates[id(parameter)] == pytest.approx(expected[part]), full_name
    assert isinstance(optimizer, torch.optim.Adam)
    assert cfg.train_cfg.max_epochs == 250 and cfg.train_dataloader.batch_size == 64
    (schedule,) = cfg.param_scheduler
    assert (list(schedule.milestones), schedule.gamma) == ([150], 0.5)


@pytest.mark.parametrize("variant", ["f", "a"])
def test_published_weights_convert_and_test_alone(
    variant, data, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    monkeypatch.chdir(tmp_path)
    name = f"pix2vox_{variant}_shapenet"
    torch.manual_seed(0)
    cfg = load_config(f"pix2vox/{name}.py", CONFIGS[name], verbose=False)
    with DefaultScope.overwrite_default_scope("svr3d"):
        model = MODELS.build(cfg.model).eval()
    parts = {}
    for full_name, value in restore_pix2vox_names(model.state_dict()).items():
        part, _, rest = full_name.partition(".")
        parts.setdefault(f"{part}_state_dict", {})[f"module.{rest}"] = value
    torch.save({"epoch_idx": 249, **parts}, "Pix2Vox.pth")
    options = [f"{key}={value}" for key, value in CONFIGS[name].items()]
    command = ["convert-pix2vox", "Pix2Vox.pth", "out.pth", "--format", variant]
    if options:
        command += ["--cfg-options", *options]
    assert console.main(command) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "out.pth"
    (tmp_path / "Pix2Vox.pth").unlink()
    converted = load_model("out.pth")[0]
    images = torch.rand(1, 2, 3, 224, 224)
    with torch.no_grad():
        found, expected = (
            m.predict({"images": images}).probabilities for m in (converted, model)
        )
    assert torch.equal(found, expected) and expected.std() > 1e-3
    options = [f"data_root={data}", "test_dataloader.num_workers=0"]
    assert console.main(["test", "out.pth", "--cfg-options", *options]) == 0
    assert "voxel/iou_max" in capsys.readouterr().out
