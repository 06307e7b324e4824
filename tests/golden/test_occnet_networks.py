# SPDX-License-Identifier: Apache-2.0
"""Whole occupancy networks against recorded runs of the two published programs."""

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from occnet_cases import as_images, check, check_gradients

from svr3d.converters.occnet import (
    convert_occnet,
    restore_occnet_names,
    spelling_of,
)
from svr3d.engine.config import load_config


def build(config, options=None):
    cfg = load_config(f"occnet/{config}.py", options, verbose=False)
    with DefaultScope.overwrite_default_scope("svr3d"):
        return MODELS.build(cfg.model)


@pytest.fixture
def load(golden, golden_dir):
    """Return a function: case, model -> batch, outputs, the published spelling."""

    def load(case, model):
        folder = golden_dir / "occnet" / case
        state = golden.state_dict(folder)
        model.load_state_dict(convert_occnet(state, model.state_dict()))
        inputs, outputs = golden.load(folder)
        images = as_images(inputs["inputs" if "inputs" in inputs else "images"])
        batch = {
            "images": images.unsqueeze(1),
            "points": torch.from_numpy(inputs["points"]),
        }
        if "occ" in inputs:
            batch["occupancies"] = torch.from_numpy(inputs["occ"])
        return batch, outputs, spelling_of(state)

    return load


def gradients(model, spelling):
    return restore_occnet_names(
        {name: p.grad for name, p in model.named_parameters()}, spelling
    )


@pytest.mark.parametrize("case", ["net_resnet18_cbn", "net_resnet18_cbn_legacy"])
def test_authors_network(case, load):
    model = build("onet_img").eval()
    batch, outputs, spelling = load(case, model)
    assert spelling == ("legacy" if case.endswith("legacy") else "official")
    assert sum(p.numel() for p in model.parameters()) == 13_414_465
    with torch.no_grad():
        check(outputs, "eval.c", model.code(batch), 2e-4, 2e-4)
        logits = model.outputs(batch)["logits"]
        check(outputs, "eval.logits", logits, 2e-4, 2e-4)
        probabilities = model.predict(batch)(batch["points"])
        check(outputs, "eval.probs", probabilities, 2e-4, 2e-4)
    model.train()
    (loss,) = model.loss(batch).values()
    assert loss.item() == pytest.approx(float(outputs["train.loss"]), rel=2e-4)
    loss.backward()
    check_gradients(outputs, gradients(model, spelling))
    buffers = restore_occnet_names(dict(model.named_buffers()), spelling)
    after = [key for key in outputs if key.startswith("train.after.")]
    assert len(after) == 4
    for key in after:
        check(outputs, key, buffers[key.removeprefix("train.after.")], 2e-4, 2e-4)


def test_authors_network_in_training(load):
    model = build("onet_img").train()
    batch, outputs, _ = load("net_resnet18_cbn", model)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    losses = []
    for _ in range(3):
        (loss,) = model.loss(batch).values()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    expected = outputs["train.adam_losses"]
    np.testing.assert_allclose(losses[0], expected[0], rtol=1e-4)
    np.testing.assert_allclose(losses, expected, rtol=1e-2)
    with torch.no_grad():
        logits = model.eval().outputs(batch)["logits"]
    largest = np.abs(outputs["train.adam_eval_logits"]).max()
    check(outputs, "train.adam_eval_logits", logits, 0, 2e-2 * largest)


def test_authors_network_at_224_pixels(load):
    model = build("onet_img").eval()
    batch, outputs, _ = load("net_resnet18_cbn_224", model)
    with torch.no_grad():
        check(outputs, "c", model.code(batch), 2e-4, 2e-4)
        logits = model.outputs(batch)["logits"]
        check(outputs, "logits", logits, 2e-4, 2e-4)


# The training passes of EfficientNets were recorded without what they draw at random.
CERTAIN = {"+model.backbone.dropout": 0.0, "+model.backbone.drop_path": 0.0}
# Case -> config, changes to it, spelling, name of the training pass.
LIGHTNING = {
    "lit_resnet18_cbn": ("resnet18", {}, "lightning_cbn", "train"),
    "lit_efficientnet_b0_cbn": ("cbn", CERTAIN, "lightning_cbn", "train0"),
    "lit_efficientnet_b0_fc": ("fc", CERTAIN, "lightning_fc", "train0"),
}


@pytest.mark.parametrize("case", LIGHTNING)
def test_lightning_network(case, load):
    config, options, wanted, mode = LIGHTNING[case]
    model = build(f"onet_lightning_{config}", options).eval()
    batch, outputs, spelling = load(case, model)
    assert spelling == wanted
    result = model.outputs(batch)
    check(outputs, "eval.c", model.code(batch), 5e-4, 5e-4)
    check(outputs, "eval.logits", result["logits"], 5e-4, 5e-4)
    (loss,) = model.loss(batch).values()
    expected = float(outputs["eval.loss_sum_mean"])
    assert loss.item() == pytest.approx(expected, rel=5e-4)
    loss.backward()
    check_gradients(outputs, gradients(model, spelling), "eval.")
    model.zero_grad()
    model.train()
    result = model.outputs(batch)
    check(outputs, f"{mode}.logits", result["logits"], 5e-4, 5e-4)
    loss = model.losses["occupancy_bce"](result, batch)
    assert loss.item() == pytest.approx(float(outputs[f"{mode}.loss"]), rel=5e-4)
    loss.backward()
    check_gradients(outputs, gradients(model, spelling), f"{mode}.")
