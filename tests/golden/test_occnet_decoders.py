# SPDX-License-Identifier: Apache-2.0
"""Decoders, latent vectors and losses against recorded runs of Occupancy Networks."""

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS
from occnet_cases import check, check_gradients

import svr3d.models  # noqa: F401  registers the parts
from svr3d.converters.occnet import (
    convert_occnet,
    restore_occnet_names,
    spelling_of,
)
from svr3d.metrics import OccupancyLoss, PointIoU, VoxelIoU
from svr3d.models.losses import LatentKL, OccupancyBCE
from svr3d.models.losses.latent_kl import kl_to_unit_normal

DECODERS = {
    "simple": dict(
        type="SimpleDecoder", code_features=32, latent_features=16, hidden_features=48
    ),
    "simple_leaky": dict(
        type="SimpleDecoder", code_features=32, hidden_features=48, leaky=True
    ),
    "cbatchnorm_z": dict(
        type="CBNDecoder", code_features=24, latent_features=16, hidden_features=40
    ),
    "cbatchnorm_legacy": dict(type="CBNDecoder", code_features=24, hidden_features=40),
    "cbatchnorm2": dict(
        type="CBNDecoder2",
        code_features=24,
        latent_features=16,
        hidden_features=40,
        num_blocks=3,
    ),
    "batchnorm": dict(
        type="BatchNormDecoder",
        code_features=24,
        latent_features=16,
        hidden_features=40,
    ),
    "cbatchnorm_noresnet": dict(
        type="CBNNoResNetDecoder", code_features=24, hidden_features=40
    ),
}
LATENT = dict(
    type="OccupancyHead",
    decoder=dict(
        type="SimpleDecoder",
        code_features=0,
        latent_features=128,
        hidden_features=128,
    ),
    latent=dict(type="PointSetLatent", latent_features=128),
)
LEAKY_LATENT = dict(
    type="OccupancyHead",
    decoder=dict(
        type="SimpleDecoder",
        code_features=24,
        latent_features=32,
        hidden_features=128,
    ),
    latent=dict(
        type="PointSetLatent", latent_features=32, code_features=24, leaky=True
    ),
)
POINT_NET = dict(type="PointNetEncoder", out_features=24, hidden=16)
OURS, THEIRS = "head.decoder.", "decoder."


def published(tensors, spelling):
    """A decoder's tensors by their published names."""
    named = {f"{OURS}{name}": value for name, value in tensors.items()}
    restored = restore_occnet_names(named, spelling)
    return {name.removeprefix(THEIRS): value for name, value in restored.items()}


@pytest.mark.parametrize("name", DECODERS)
def test_decoder(name, golden, golden_dir):
    folder = golden_dir / "occnet" / f"dec_{name}"
    state = golden.state_dict(folder)
    state = {f"{THEIRS}{key}": value for key, value in state.items()}
    decoder = MODELS.build(DECODERS[name])
    target = {f"{OURS}{key}": value for key, value in decoder.state_dict().items()}
    converted = convert_occnet(state, target)
    decoder.load_state_dict(
        {key.removeprefix(OURS): value for key, value in converted.items()}
    )
    spelling = spelling_of(state)
    inputs, outputs = golden.load(folder)
    points, latent, code, labels = (
        torch.from_numpy(inputs[key]) for key in ("p", "z", "c", "occ")
    )
    decoder.eval()
    check(outputs, "eval.logits", decoder(points, latent, code), 1e-4, 1e-5)
    with torch.no_grad():
        check(outputs, "eval.logits", decoder(points, latent, code), 1e-4, 1e-5)
    decoder.train()
    if name == "cbatchnorm_z":
        # One unit of the last activation is -2.1e-7 in double precision. Rounding had
        # turned it on when it was recorded, which moves gradients by 1.5 %.
        with torch.no_grad():
            decoder.norm.beta.bias[9] += 1e-6
    logits = decoder(points, latent, code)
    check(outputs, "train.logits", logits, 1e-4, 1e-5)
    loss = OccupancyBCE()({"logits": logits}, {"occupancies": labels})
    assert loss.item() == pytest.approx(float(outputs["train.loss"]), rel=1e-4)
    loss.backward()
    gradients = {key: p.grad for key, p in decoder.named_parameters()}
    named = published(gradients, spelling)
    check_gradients(outputs, named)
    for key in (key for key in outputs if key.startswith("grad.")):
        found, expected = named[key[5:]].numpy().ravel(), outputs[key].ravel()
        assert np.linalg.norm(found - expected) < 1e-5 * np.linalg.norm(expected)
    buffers = published(dict(decoder.named_buffers()), spelling)
    after = [key for key in outputs if key.startswith("train.after.")]
    assert bool(after) == ("simple" not in name)
    for key in after:
        check(outputs, key, buffers[key.removeprefix("train.after.")], 1e-4, 1e-5)


def test_grid_decoder(golden, golden_dir):
    folder = golden_dir / "occnet" / "dec_unused_voxel"
    state = golden.state_dict(folder, seed=0)
    decoder = MODELS.build(
        dict(
            type="GridDecoder",
            code_features=16,
            latent_features=8,
            hidden_features=24,
        )
    )
    # No converter knows these names, as no published checkpoint has them.
    ours = {
        "fc_in": "entry_layer",
        "fc_f": "feature_layer",
        "fc_p": "point_layer",
        "fc_z": "latent_layer",
        "fc_c": "code_layer",
        "fc_out": "output_layer",
    }
    ours |= {f"convtrp_{index}": f"upsampling.{index}" for index in range(3)}
    ours |= {f"block{index}": f"blocks.{index}" for index in range(2)}
    named = {}
    for key, value in state.items():
        first, rest = key.split(".", 1)
        named[f"{ours[first]}.{rest}"] = torch.as_tensor(value)
    decoder.load_state_dict(named)
    inputs, outputs = golden.load(folder)
    arguments = [torch.from_numpy(inputs[key]) for key in ("p", "z", "c")]
    logits = decoder(*arguments)
    check(outputs, "logits", logits, 1e-4, 1e-5)
    with torch.no_grad():
        check(outputs, "logits", decoder.eval()(*arguments), 1e-4, 1e-5)
    logits.square().sum().backward()
    theirs = {value: key for key, value in ours.items()}
    gradients = {}
    for key, parameter in decoder.named_parameters():
        module, leaf = key.rsplit(".", 1)
        head = next(name for name in theirs if module.startswith(name))
        gradients[f"{theirs[head]}{module[len(head) :]}.{leaf}"] = parameter.grad
    check_gradients(outputs, gradients)


def test_losses(golden, golden_dir):
    inputs, outputs = golden.load(golden_dir / "occnet" / "loss_bce_kl")
    logits = torch.from_numpy(inputs["logits"]).requires_grad_()
    batch = {"occupancies": torch.from_numpy(inputs["target"])}
    value = OccupancyBCE()({"logits": logits}, batch)
    assert value.item() == pytest.approx(float(outputs["train_loss"]), rel=1e-5)
    value.backward()
    check(outputs, "grad_logits", logits.grad, 1e-5, 1e-6)
    value = OccupancyBCE(reduction="mean")({"logits": logits}, batch)
    assert value.item() == pytest.approx(float(outputs["val_loss"]), rel=1e-5)
    mean, log_std = (torch.from_numpy(inputs[key]) for key in ("mean", "logstd"))
    check(outputs, "kl", kl_to_unit_normal(mean, log_std), 1e-5, 1e-6)
    value = LatentKL()({"latent_mean": mean, "latent_log_std": log_std}, {})
    assert value.item() == pytest.approx(float(outputs["kl_sum_mean"]), rel=1e-5)


def build_network(backbone, head):
    """An occupancy network that reads the recorded inputs as they are."""
    return MODELS.build(
        dict(
            type="EncoderDecoder",
            backbone=backbone,
            head=head,
            losses=[dict(type="OccupancyBCE"), dict(type="LatentKL")][
                : 1 + ("latent" in head)
            ],
            input_key="inputs",
        )
    )


def load_network(model, golden, folder):
    """Fill a network with the recorded weights; return inputs and outputs."""
    state = golden.state_dict(folder)
    model.load_state_dict(convert_occnet(state, model.state_dict()))
    inputs, outputs = golden.load(folder)
    inputs = {key: torch.from_numpy(value) for key, value in inputs.items()}
    return inputs, outputs


@pytest.mark.parametrize(
    ("case", "backbone", "head"),
    [
        ("vae_unconditional", dict(type="EmptyEncoder"), LATENT),
        ("vae_leaky", POINT_NET, LEAKY_LATENT),
    ],
)
def test_latent_vectors(case, backbone, head, golden, golden_dir, monkeypatch):
    model = build_network(backbone, head)
    inputs, outputs = load_network(model, golden, golden_dir / "occnet" / case)
    batch = {
        "inputs": inputs["inputs"],
        "points": inputs["points"],
        "occupancies": inputs["occ"],
    }
    # The recorded run drew this.
    monkeypatch.setattr(torch, "randn_like", lambda like: inputs["eps"])
    model.train()
    mean, log_std = model.head.latent(
        batch["points"], batch["occupancies"], model.code(batch)
    )
    check(outputs, "mean", mean, 1e-4, 1e-4)
    check(outputs, "std", log_std.exp(), 1e-4, 1e-4)
    loss = sum(model.loss(batch).values())
    assert loss.item() == pytest.approx(float(outputs["loss"]), rel=1e-4)
    loss.backward()
    gradients = {key: p.grad for key, p in model.named_parameters()}
    check_gradients(outputs, restore_occnet_names(gradients))
    model.eval()
    with torch.no_grad():
        field = model.predict(batch)
        error, divergence = field.evidence(batch["points"], batch["occupancies"])
        check(outputs, "rec_error", error, 1e-4, 1e-4)
        check(outputs, "kl", divergence, 1e-4, 1e-4)
        check(outputs, "elbo", -error - divergence, 1e-4, 1e-4)
        logits = field.logits(batch["points"])
    check(outputs, "prior_mean_logits", logits, 1e-4, 1e-4)


def test_evaluation_step(golden, golden_dir):
    decoder = dict(type="CBNDecoder", code_features=24, hidden_features=32)
    head = dict(type="OccupancyHead", decoder=decoder, threshold=0.2)
    model = build_network(POINT_NET, head).eval()
    inputs, outputs = load_network(model, golden, golden_dir / "occnet" / "eval_step")
    with torch.no_grad():
        field = model.predict(inputs)
    batch = {
        "points": inputs["points"],
        "occupancies": inputs["occ"],
        "points_iou": inputs["points_iou"],
        "occupancies_iou": inputs["occ_iou"],
        "voxels": inputs["voxels"],
        "category": torch.zeros(3, dtype=torch.int64),
        "sample_id": ["a/1", "a/2", "a/3"],
    }
    found = {}
    for metric in (
        OccupancyLoss(),
        PointIoU(source="field"),
        VoxelIoU(thresholds=(0.2,)),
    ):
        metric.process(batch, list(field))
        found |= metric.evaluate(3)
    for key in ("loss", "rec_error", "kl"):
        value = found[f"occupancy/{key}"]
        assert value == pytest.approx(float(outputs[key]), rel=1e-4, abs=1e-9), key
    assert found["point/iou"] == pytest.approx(float(outputs["iou"]), abs=1e-4)
    voxel_iou = found["voxel/iou_t0.20"]
    assert voxel_iou == pytest.approx(float(outputs["iou_voxels"]), abs=1e-4)
