# SPDX-License-Identifier: Apache-2.0
"""The shipped configs of AtlasNet train, validate and test."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from toy_config import load

from svr3d.cli import main as console
from svr3d.engine.config import load_config
from svr3d.errors import CheckpointError, ConfigError
from svr3d.models.backbones import BatchNormPointNetEncoder
from svr3d.models.heads import PSGNHead
from svr3d.models.reconstructors import EncoderDecoder

# Few points; the courses are those of the recipes.
COMMON = {
    "train_cfg.max_epochs": 1,
    "train_cfg.val_interval": 1,
    "train_dataloader.batch_size": 2,
}
NARROW = COMMON | {
    "val_evaluator.0.num_points": 500,
    "test_evaluator.0.num_points": 500,
}
SYNSET = "02691156"


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    monkeypatch.chdir(tmp_path)


def train(name, root, options, work_dir="run"):
    """Train a config and return its last checkpoint."""
    changes = [f"{key}={value}" for key, value in options.items()]
    command = ["train", f"atlasnet/{name}.py", "--work-dir", work_dir]
    code = console.main([*command, "--cfg-options", f"data_root={root}", *changes])
    assert code == 0
    state = load(Path(work_dir))
    assert state["meta"]["iter"] >= 2
    values = [v for v in state["state_dict"].values() if v.is_floating_point()]
    assert all(torch.isfinite(value).all() for value in values)
    return state


@pytest.mark.parametrize(
    "name", ["atlasnet_narrow_custom", "atlasnet_narrow_synthetic"]
)
def test_narrow_config_trains_and_tests(name, data, capsys):
    train(name, data, NARROW)
    best = capsys.readouterr().out.splitlines()[-1]
    assert "best_mesh_chamfer_l1" in best
    if name.endswith("custom"):
        assert console.main(["test", best]) == 0
        assert "mesh/chamfer_l1" in capsys.readouterr().out


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Five objects in AtlasNet's layout: two iterations of two, and one to test."""
    root = tmp_path_factory.mktemp("atlasnet")
    rng = np.random.default_rng(0)
    clouds = root / "ShapeNetV1PointCloud" / SYNSET
    clouds.mkdir(parents=True)
    picture = rng.integers(0, 256, (137, 137, 4), np.uint8)
    encoded = cv2.imencode(".png", picture)[1].tobytes()
    for index in range(5):
        cloud = rng.standard_normal((80, 6)).astype(np.float32)
        np.save(clouds / f"object{index}.points.ply.npy", cloud)
        folder = root / "ShapeNetV1Renderings" / SYNSET / f"object{index}" / "rendering"
        folder.mkdir(parents=True)
        for view in range(24):
            (folder / f"{view:02d}.png").write_bytes(encoded)
        rows = [f"{15 * view} 25 0 0.8 25" for view in range(24)]
        (folder / "rendering_metadata.txt").write_text("\n".join(rows) + "\n")
        names = "".join(f"{view:02d}.png\n" for view in range(24))
        (folder / "renderings.txt").write_text(names)
    return root


def small(name):
    """Changes that make a published config quick."""
    cfg = load_config(f"atlasnet/{name}.py", verbose=False)
    changes = dict(COMMON)
    for mode in ("train", "val", "test"):
        loader = cfg[f"{mode}_dataloader"]
        changes[f"{mode}_dataloader.num_workers"] = 0
        changes[f"{mode}_dataloader.dataset.categories"] = f"['{SYNSET}']"
        for index, step in enumerate(loader.dataset.pipeline):
            if "Resize" in str(step["type"]):
                place = f"{mode}_dataloader.dataset.pipeline.{index}.size"
                changes[place] = 32
    changes["model.backbone.out_features"] = 16
    changes["model.head.hidden_features"] = 8
    atlasnet = "features" in cfg.model.head
    changes["model.head.features" if atlasnet else "model.head.code_features"] = 16
    changes["model.head.num_points"] = 100
    if atlasnet:
        changes["model.head.num_points_eval"] = 100
    return changes


@pytest.mark.parametrize(
    "name",
    [
        "autoencoder_square25",
        "svr_sphere_scratch",
        "svr_square25_scratch",
        *(f"{h}_{m}" for h in ("sphere", "psgn") for m in ("object", "viewer")),
        *(f"{h}_{m}" for h in ("square25", "foldnet") for m in ("object", "viewer")),
    ],
)
def test_published_config_trains(name, tree):
    state = train(name, tree, small(name))
    assert "points/chamfer_x1000" in str(state["message_hub"]["log_scalars"].keys())


@pytest.mark.parametrize("template", ["sphere", "square25"])
def test_two_stages(template, tree):
    """The decoder comes from the autoencoder, and stays until the second step."""

    def head(state):
        values = state["state_dict"]
        return {key: values[key] for key in values if key.startswith("head.")}

    first = train(f"autoencoder_{template}", tree, small(f"autoencoder_{template}"))
    name = f"svr_{template}_encoder"
    weights = Path("run/epoch_1.pth").resolve()
    options = small(name) | {"model.part_weights.head": weights}
    second = train(name, tree, options, "second")
    for key, value in head(first).items():
        assert torch.equal(head(second)[key], value), key
    name = f"svr_{template}"
    weights = Path("second/epoch_1.pth").resolve()
    third = train(name, tree, small(name) | {"load_from": weights}, "third")
    moved = [k for k, v in head(second).items() if not torch.equal(head(third)[k], v)]
    assert "head.last_layer.weight" in moved


def test_part_weights_name_what_is_wrong(tmp_path):
    def model(part_weights, points=20):
        head = PSGNHead(8, hidden_features=4, num_points=points)
        return EncoderDecoder(
            BatchNormPointNetEncoder(8),
            head,
            input_key="input_points",
            part_weights=part_weights,
        )

    source = model(None)
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": source.state_dict()}, path)
    target = model({"head": str(path)})
    target.init_weights()
    torch.testing.assert_close(target.head.state_dict(), source.head.state_dict())
    own, others = (m.backbone.point_layers[0].weight for m in (target, source))
    assert not torch.equal(own, others)
    with pytest.raises(ConfigError, match="no part 'decoder'"):
        model({"decoder": str(path)}).init_weights()
    with pytest.raises(
        CheckpointError, match=r"head\.last_layer\.weight: expected shape"
    ):
        model({"head": str(path)}, points=30).init_weights()
    with pytest.raises(CheckpointError, match=r"missing\.pth"):
        model({"head": "missing.pth"}).init_weights()
