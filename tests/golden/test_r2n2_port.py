# SPDX-License-Identifier: Apache-2.0
"""3D-R2N2's own networks against recorded runs of their PyTorch port."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import nn

from svr3d.converters.r2n2_port import convert_port, restore_port_names
from svr3d.models.heads.voxel_decoder import occupancy_logits
from svr3d.models.layers import insert_zeros
from svr3d.models.losses import VoxelBCE

# Case -> config, network of the converter.
CASES = {
    "gru_1view": ("gru_shapenet", "gru"),
    "resgru_2view": ("resgru_shapenet", "resgru"),
    "resgru_theano_wiring": ("resgru_theano_shapenet", "resgru"),
    "resgru_bn_eval_2view": ("resgru_bn_shapenet", "resgru_bn"),
    "resgru_bn_train_2view": ("resgru_bn_shapenet", "resgru_bn"),
}
PARAMETERS = {"gru": 32_207_266, "resgru": 35_968_706, "resgru_bn": 35_913_954}
# A bias in front of a norm: its gradient is rounding noise.
NOISE = 1e-6


def subsample(values, length):
    flat = np.asarray(values).reshape(-1)
    return flat[:: -(-flat.size // length)]


def sums(values):
    values = np.asarray(values, np.float64)
    return np.array([values.sum(), np.square(values).sum()])


@pytest.mark.parametrize("case", CASES)
def test_forward_loss_and_gradients(case, golden, golden_dir, repository):
    config, network = CASES[case]
    path = repository / f"configs/r2n2/{config}.py"
    model = MODELS.build(Config.fromfile(path).model)
    unused = 64 if network == "resgru_bn" else 0
    count = sum(p.numel() for p in model.parameters()) + unused
    assert count == PARAMETERS[network]
    folder = golden_dir / "r2n2" / case
    state = convert_port(network, golden.state_dict(folder), model.state_dict())
    model.load_state_dict(state)
    inputs, outputs = golden.load(folder)
    batch = {
        "images": torch.from_numpy(inputs["images_u8"]).float() / 255,
        "voxels": torch.from_numpy(inputs["target"]),
        "sample_id": ["a"] * len(inputs["target"]),
    }
    training = "train" in case
    model.train(training)
    seen = {}
    model.head.register_forward_hook(
        lambda module, args, output: seen.update(logits=output["logits"])
    )
    model.backbone.register_forward_hook(
        lambda module, args, output: seen.setdefault("features", []).append(output)
    )
    total, _ = model.parse_losses(model(mode="loss", **model.data_preprocessor(batch)))
    total.backward()
    assert total.item() == pytest.approx(float(outputs["loss"]), rel=1e-5)
    occupancy = torch.sigmoid(seen["logits"]).detach().numpy()
    atol = 5e-4 if training else 1e-4
    np.testing.assert_allclose(occupancy, outputs["occupancy"], atol=atol, rtol=0)

    tensors = {name: value.grad for name, value in model.named_parameters()}
    assert all(gradient is not None for gradient in tensors.values())
    norm = np.sqrt(sum(float(g.double().square().sum()) for g in tensors.values()))
    assert norm == pytest.approx(float(outputs["grad_norm_all"]), rel=2e-3)
    gradients = restore_port_names(network, tensors)
    buffers = restore_port_names(network, dict(model.named_buffers()))
    checked = set()
    for key, expected in outputs.items():
        kind, _, name = key.partition(".")
        if kind == "grad" and name.endswith(".sub"):
            value = subsample(gradients[name[: -len(".sub")]], 1024)
            atol = 2e-3 * np.abs(expected).max() + NOISE * training
        elif kind == "buffer":
            value = buffers[name].numpy()
            atol = 1e-4 * np.abs(expected).max() + 1e-6
        else:
            continue
        np.testing.assert_allclose(value, expected, atol=atol, rtol=0, err_msg=key)
        checked.add(kind)
    assert checked == ({"grad", "buffer"} if training else {"grad"})

    features = seen["features"]
    batch_size = len(inputs["target"])
    features = (
        torch.stack(features, 1)
        if training
        else features[0].unflatten(0, (batch_size, -1))
    )
    with torch.no_grad():
        states = model.fusion.states(features)
    for view, state in enumerate(states):
        value = state.update.numpy()
        expected = outputs[f"update_{view}.sub"]
        np.testing.assert_allclose(subsample(value, 2048), expected, atol=1e-4, rtol=0)
        np.testing.assert_allclose(
            sums(value), outputs[f"update_{view}.sums"], rtol=1e-4
        )


@pytest.mark.parametrize("case", ["softmax_unpool"])
def test_softmax_and_unpooling(case, golden, golden_dir):
    inputs, outputs = golden.load(golden_dir / "r2n2" / case)
    scores = torch.from_numpy(inputs["logits"]).requires_grad_()
    logits = occupancy_logits(scores)
    voxels = torch.from_numpy(inputs["target"])
    loss = VoxelBCE(weight=1.0)({"logits": logits}, {"voxels": voxels})
    loss.backward()
    assert loss.item() == pytest.approx(float(outputs["loss"]), rel=1e-5)
    occupied = torch.sigmoid(logits.detach())
    prediction = torch.stack([1 - occupied, occupied], dim=1)
    np.testing.assert_allclose(prediction, outputs["prediction"], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(scores.grad, outputs["grad"], rtol=1e-5, atol=1e-9)
    hidden = torch.from_numpy(inputs["hidden"])
    np.testing.assert_array_equal(insert_zeros(hidden), outputs["unpooled"])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("case", ["adam_l2_formula"])
def test_adam_with_l2(case, dtype, golden, golden_dir, repository):
    from mmengine.optim import build_optim_wrapper

    inputs, outputs = golden.load(golden_dir / "r2n2" / case)
    path = repository / "configs/r2n2/resgru_theano_shapenet.py"
    settings = Config.fromfile(path).optim_wrapper
    settings.optimizer.lr = float(inputs["lr"])
    layer = nn.Linear(5, 4, dtype=dtype)
    layer.bias = nn.Parameter(torch.from_numpy(inputs["bias"]).to(dtype))
    layer.weight = nn.Parameter(torch.from_numpy(inputs["weight"]).to(dtype))
    optimizer = build_optim_wrapper(layer, settings).optimizer
    for weight, bias in zip(inputs["weight_grads"], inputs["bias_grads"], strict=True):
        layer.weight.grad = torch.from_numpy(weight).to(dtype)
        layer.bias.grad = torch.from_numpy(bias).to(dtype)
        optimizer.step()
    atol = 1e-9 if dtype == torch.float64 else 1e-6
    for name in ("weight", "bias"):
        value = getattr(layer, name).detach()
        np.testing.assert_allclose(value, outputs[name], atol=atol, rtol=0)
