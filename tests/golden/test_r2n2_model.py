# SPDX-License-Identifier: Apache-2.0
"""Res3D-GRU-3 against recorded runs of the published programs."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS

from svr3d.converters.r2n2 import convert_paddle_res3dgru, restore_paddle_names
from svr3d.metrics import VoxelIoU
from svr3d.metrics.voxel_counts import (
    average_precision,
    counts_to_iou,
    mean_bce,
    voxel_counts,
)
from svr3d.models.layers import RecurrentBatchNorm
from svr3d.structures.voxels import Voxels

# Biases in front of a batch norm: their gradient is rounding noise.
NOISE = ("shortcut.0.bias", "unpool2.bias")


def subsample(values, length):
    flat = np.asarray(values).reshape(-1)
    return flat[:: -(-flat.size // length)]


def sums(values):
    values = np.asarray(values, np.float64)
    return np.array([values.sum(), np.square(values).sum()])


@pytest.fixture
def rebuild(golden, golden_dir, repository):
    """Return (model with the case's weights, batch, recorded outputs)."""

    def load(case):
        folder = golden_dir / "r2n2" / case
        path = repository / "configs/r2n2/res3dgru_shapenet.py"
        model = MODELS.build(Config.fromfile(path).model)
        state = convert_paddle_res3dgru(golden.state_dict(folder), model.state_dict())
        model.load_state_dict(state)
        inputs, outputs = golden.load(folder)
        # The network takes the channels as stored; the preprocessor flips them back.
        images = torch.from_numpy(inputs["images_u8"]).flip(2).float() / 255
        batch = {"images": images, "sample_id": ["a"] * len(images)}
        if "target" in inputs:
            batch["voxels"] = torch.from_numpy(inputs["target"])
        return model, model.data_preprocessor(batch), outputs

    return load


@pytest.mark.parametrize("case", ["paddle_eval_2view"])
def test_evaluation(case, rebuild):
    model, batch, outputs = rebuild(case)
    model.eval()
    with torch.no_grad():
        images = batch["images"]
        features = model.backbone(images.flatten(0, 1)).unflatten(0, images.shape[:2])
        states = model.fusion.states(features)
        volume = model(mode="predict", **batch).probabilities
    np.testing.assert_allclose(volume, outputs["volume"], atol=2e-5, rtol=0)
    for view, state in enumerate(states):
        for name in ("hidden", "update"):
            value = getattr(state, name).numpy()
            expected = outputs[f"{name}_{view}.sub"]
            np.testing.assert_allclose(
                subsample(value, 2048), expected, atol=2e-5, rtol=0
            )
            np.testing.assert_allclose(
                sums(value), outputs[f"{name}_{view}.sums"], rtol=1e-4, atol=0.1
            )


@pytest.mark.parametrize("case", ["paddle_train_2view"])
def test_training_pass(case, rebuild):
    model, batch, outputs = rebuild(case)
    volumes = []
    model.head.register_forward_hook(
        lambda module, args, output: volumes.append(torch.sigmoid(output["logits"]))
    )
    model.train()
    total, _ = model.parse_losses(model(mode="loss", **batch))
    total.backward()
    assert total.item() == pytest.approx(float(outputs["loss"]), rel=1e-5)
    volume = volumes[0].detach().numpy()
    np.testing.assert_allclose(
        subsample(volume, 8192), outputs["volume.sub"], atol=5e-5, rtol=0
    )
    gradients = {name: value.grad for name, value in model.named_parameters()}
    assert all(gradient is not None for gradient in gradients.values())
    norm = np.sqrt(sum(float(g.double().square().sum()) for g in gradients.values()))
    assert norm == pytest.approx(float(outputs["grad_norm_all"]), rel=1e-2)
    gradients = restore_paddle_names(gradients)
    buffers = restore_paddle_names(dict(model.named_buffers()))
    checked = 0
    for key, expected in outputs.items():
        if key.startswith("grad.") and key.endswith(".sub"):
            value = subsample(gradients[key[5:-4]], 1024)
            atol = 1e-2 * np.abs(expected).max() + 1e-6
        elif key.startswith("buffer."):
            name = key[len("buffer.") :]
            value = buffers[name].numpy()
            recurrent = "gru3d" in name
            atol = 1e-5 if recurrent or name.endswith("running_mean") else 1e-2
            atol += 1e-4 * np.abs(expected).max()
        else:
            continue
        np.testing.assert_allclose(value, expected, atol=atol, rtol=0, err_msg=key)
        checked += 1
    assert checked > 20


@pytest.mark.slow
@pytest.mark.parametrize("case", ["paddle_adam_steps"])
def test_adam_steps(case, rebuild, repository):
    model, batch, outputs = rebuild(case)
    path = repository / "configs/r2n2/res3dgru_shapenet.py"
    settings = dict(Config.fromfile(path).optim_wrapper["optimizer"])
    optimizer = settings.pop("type")(model.parameters(), **settings)
    model.train()
    losses = []
    for _ in outputs["losses"]:
        total, _ = model.parse_losses(model(mode="loss", **batch))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        losses.append(total.item())
    np.testing.assert_allclose(losses[0], outputs["losses"][0], rtol=1e-5)
    np.testing.assert_allclose(losses, outputs["losses"], rtol=1e-3)
    names = restore_paddle_names(dict(model.named_parameters()))
    checked = 0
    for key, expected in outputs.items():
        if not key.startswith("param.") or not key.endswith(".sub"):
            continue
        name = key[len("param.") : -len(".sub")]
        if name.endswith(NOISE):
            continue
        error = np.abs(subsample(names[name].detach(), 512) - expected)
        assert np.quantile(error, 0.9) <= 1e-4, name
        assert error.max() <= 6e-4, name
        checked += 1
    assert checked > 10
    model.eval()
    with torch.no_grad():
        volume = model(mode="predict", **batch).probabilities.numpy()
    expected = outputs["eval_volume_after.sub"]
    np.testing.assert_allclose(subsample(volume, 4096), expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize("case", ["recurrent_bn_torch"])
def test_recurrent_batch_norm(case, golden, golden_dir):
    inputs, outputs = golden.load(golden_dir / "r2n2" / case)
    x = torch.from_numpy(inputs["x"])
    norm = RecurrentBatchNorm(x.shape[1], 3)
    with torch.no_grad():
        norm.weight.copy_(torch.from_numpy(inputs["weight"]))
        norm.bias.copy_(torch.from_numpy(inputs["bias"]))
    for training in (True, False):
        norm.train(training)
        mode = "train" if training else "eval"
        for step in (0, 1, 5):
            with torch.no_grad():
                value = norm(x * (step + 1), step)
            expected = outputs[f"{mode}_time{step}"]
            np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)
    for slot in range(3):
        for name in ("running_mean", "running_var"):
            value = getattr(norm, name)[slot]
            expected = outputs[f"{name}_{slot}"]
            np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("case", ["metrics_a"])
def test_metrics(case, golden, golden_dir):
    inputs, outputs = golden.load(golden_dir / "r2n2" / case)
    prediction = torch.from_numpy(inputs["pred"])
    target = torch.from_numpy(inputs["target"])
    counts = voxel_counts(prediction, target, inputs["thresholds"].tolist())
    np.testing.assert_array_equal(counts, outputs["choy"])
    np.testing.assert_allclose(counts_to_iou(counts), outputs["iou"], atol=1e-6)
    bce = 10 * mean_bce(prediction, target)
    np.testing.assert_allclose(bce, outputs["bce10"], rtol=1e-5)
    precision = average_precision(prediction, target)
    np.testing.assert_allclose(precision, outputs["average_precision"], atol=1e-6)


@pytest.mark.parametrize("case", ["test_table_a"])
def test_table(case, golden, golden_dir):
    inputs, outputs = golden.load(golden_dir / "r2n2" / case)
    folders = bytes(inputs["taxonomy"]).decode().split()
    ids = list(SHAPENET)
    views = int(inputs["n_views"])
    metric = VoxelIoU()
    metric.dataset_meta = {
        "categories": [name for name, _ in SHAPENET.values()],
        "taxonomy_ids": ids,
        "baselines": {
            name: {f"{count}-view": value for count, value in enumerate(row, start=1)}
            for name, row in SHAPENET.values()
        },
    }
    for index, folder in enumerate(folders):
        batch = {
            "voxels": torch.from_numpy(inputs["target"][index : index + 1]),
            "images": torch.empty(1, views, 0),
            "category": [ids.index(folder)],
            "sample_id": [f"{folder}/{index}"],
        }
        prediction = torch.from_numpy(inputs["pred"][index : index + 1])
        metric.process(batch, list(Voxels(prediction)))
    result = metric.evaluate(len(folders))
    best = float(outputs["max_mean_iou"])
    assert result["voxel/iou_max"] == pytest.approx(best, abs=1e-6)
    expected = bytes(outputs["table"]).decode().split()
    assert metric.table.to_text().split() == expected


# Baselines of datasets/ShapeNet.json for 1 to 5 views (the paper's table).
SHAPENET = {
    "02691156": ("aeroplane", (0.513, 0.536, 0.549, 0.556, 0.561)),
    "02828884": ("bench", (0.421, 0.484, 0.502, 0.516, 0.527)),
    "02933112": ("cabinet", (0.716, 0.746, 0.763, 0.767, 0.772)),
    "02958343": ("car", (0.798, 0.821, 0.829, 0.833, 0.836)),
    "03001627": ("chair", (0.466, 0.515, 0.533, 0.541, 0.550)),
    "03211117": ("display", (0.468, 0.527, 0.545, 0.558, 0.565)),
    "03636649": ("lamp", (0.381, 0.406, 0.415, 0.416, 0.421)),
    "03691459": ("speaker", (0.662, 0.696, 0.708, 0.714, 0.717)),
    "04090263": ("rifle", (0.544, 0.582, 0.593, 0.595, 0.600)),
    "04256520": ("sofa", (0.628, 0.677, 0.690, 0.698, 0.706)),
    "04379243": ("table", (0.513, 0.550, 0.564, 0.573, 0.580)),
    "04401088": ("telephone", (0.661, 0.717, 0.732, 0.738, 0.754)),
    "04530566": ("watercraft", (0.513, 0.576, 0.596, 0.604, 0.610)),
}
