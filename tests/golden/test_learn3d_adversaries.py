# SPDX-License-Identifier: Apache-2.0
"""Adversaries of learn3D by themselves against recorded runs."""

import torch
from learn3d_cases import check_gradients, load_parts, near, published_gradients

from svr3d.models.adversaries import (
    DCGANDiscriminator,
    ViewClassifier,
    ViewConfusion,
    ViewPriorAdversary,
)

# Before a batch norm a bias has no gradient but rounding.
IDLE = tuple(f"model.{index}.bias" for index in (2, 5, 8))


def gradients_of(loss, holder, expected, name, **options):
    """Compare the gradients of one of two recorded losses."""
    holder.zero_grad()
    loss.backward(retain_graph=True)
    wanted = {
        f"grad.{key.removeprefix(name)}": value
        for key, value in expected.items()
        if key.startswith(name)
        and not key.removeprefix(name).removesuffix(".stats").endswith(IDLE)
    }
    found = published_gradients(holder)
    found = {key: value for key, value in found.items() if not key.endswith(IDLE)}
    return check_gradients(wanted, found, prefix="D.", **options)


def test_view_classifier(golden, golden_dir):
    folder = golden_dir / "learn3d" / "feat_discriminator"
    given, expected = golden.load(folder)
    adversary = ViewConfusion(ViewClassifier(512, 24))
    assert sum(p.numel() for p in adversary.parameters()) == 167_320
    holder = load_parts(golden.state_dict(folder), "D.", adversary=adversary)
    codes = torch.from_numpy(given["z"]).requires_grad_()
    near(adversary.classifier(codes), expected["log_prob"], 1e-4)
    batch = {"view_classes": torch.from_numpy(given["view"])}
    outputs = {"codes": codes}
    loss = adversary("discriminate", outputs, batch, None)["loss_discriminate"]
    near(loss, expected["d_loss"], 1e-4)
    gradients_of(loss, holder, expected, "grad_d.")
    assert codes.grad is None
    loss = adversary("confuse", outputs, batch, None)["loss_confuse"]
    near(loss, expected["adv_loss"], 1e-4)
    gradients_of(loss, holder, expected, "grad_adv.")
    near(codes.grad, expected["grad_adv_z"], 1e-3)


def test_dcgan_discriminator(golden, golden_dir):
    folder = golden_dir / "learn3d" / "dcgan_discriminator"
    given, expected = golden.load(folder)
    judge = DCGANDiscriminator(24)
    assert sum(p.numel() for p in judge.parameters()) == 11_083_137
    adversary = ViewPriorAdversary(judge)
    holder = load_parts(golden.state_dict(folder), "D.", adversary=adversary)
    fresh = {key: value.clone() for key, value in holder.state_dict().items()}
    real, fake = (
        torch.from_numpy(given[f"silhouette_{kind}"]).float() / 4
        for kind in ("real", "fake")
    )
    own, other = (torch.from_numpy(given[f"view_{kind}"]) for kind in ("real", "fake"))
    with torch.no_grad():
        found = judge.eval()(real[:, 0], own)
    near(torch.sigmoid(found.logits), expected["p_real.eval"], 1e-4)
    features = found.features.flatten()
    step = -(-len(features) // 2000)
    near(features[::step], expected["feature_real.eval.sub"], 1e-4)

    judge.train()
    adversary.other_views = lambda views, classes: (views, other)
    batch = {"view_classes": own, "view_angles": torch.zeros(3, 1, 3)}
    fake.requires_grad_()
    values = adversary("discriminate", {"silhouettes": real}, batch, lambda views: fake)
    loss = values["loss_discriminate"]
    near(loss, expected["d_loss"], 1e-4)
    gradients_of(loss, holder, expected, "grad_d.", count=400, tolerance=2e-3)
    holder.load_state_dict(fresh)
    loss = adversary("deceive", {}, batch, lambda views: fake)["loss_deceive"]
    near(loss, expected["adv_loss"], 1e-4)
    (slope,) = torch.autograd.grad(loss, fake)
    near(slope, expected["grad_adv_silhouette"], 2e-3)
    # The recorded statistics are those after this pass, not after the two before.
    for place, norm in zip((3, 6, 9), judge.norms, strict=True):
        for key in ("running_mean", "running_var"):
            near(getattr(norm, key), expected[f"after.model.{place}.{key}"], 1e-4)
