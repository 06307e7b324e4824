# SPDX-License-Identifier: Apache-2.0
"""Adversaries by themselves: their objectives, gradients, views and widths."""

import math

import pytest
import torch

from svr3d.errors import ConfigError
from svr3d.models.adversaries import (
    DCGANDiscriminator,
    ViewClassifier,
    ViewConfusion,
    ViewPriorAdversary,
    ViewReversal,
)
from svr3d.models.layers.data_width import settle_by_data, settle_by_state
from svr3d.models.layers.gradient_reversal import reverse_gradient
from svr3d.renderers.mesh_views import MeshViews


class Data:
    num_view_classes = 6


@pytest.fixture
def outputs():
    return {
        "codes": torch.randn(4, 8, requires_grad=True),
        "silhouettes": torch.rand(4, 1, 16, 16, requires_grad=True),
    }


@pytest.fixture
def batch():
    classes = torch.tensor([[0], [3], [5], [3]])
    angles = torch.tensor([0.0, 30.0, 2.732]).repeat(4, 1, 1)
    angles[..., 0] = -60.0 * classes
    return {"view_classes": classes, "view_angles": angles}


def slope(adversary, objective, outputs, batch, of, render=None):
    values = adversary(objective, outputs, batch, render)
    total = sum(value for name, value in values.items() if "loss" in name)
    return torch.autograd.grad(total, of, allow_unused=True)[0]


def test_confusion_trains_one_side_at_a_time(outputs, batch):
    adversary = ViewConfusion(ViewClassifier(8, 6, hidden_features=(5,)), weight=3.0)
    codes = outputs["codes"]
    first = adversary("discriminate", outputs, batch, None)
    logs = adversary.classifier(codes.detach())
    wanted = -logs[range(4), batch["view_classes"][:, 0]].mean()
    torch.testing.assert_close(first["loss_discriminate"], wanted)
    assert slope(adversary, "discriminate", outputs, batch, codes) is None
    second = adversary("confuse", outputs, batch, None)["loss_confuse"]
    wanted = 3 * (math.log(1 / 6) - logs).square().sum() / 4
    torch.testing.assert_close(second, wanted)
    assert slope(adversary, "confuse", outputs, batch, codes).abs().sum() > 0


def test_confusion_is_least_where_all_views_are_alike(outputs, batch):
    classifier = ViewClassifier(8, 6, hidden_features=(5,))
    for value in classifier.to_classes.parameters():
        torch.nn.init.zeros_(value)
    found = ViewConfusion(classifier)("confuse", outputs, batch, None)["loss_confuse"]
    torch.testing.assert_close(found, torch.zeros(()), atol=1e-9, rtol=0)


def test_reversal_turns_the_gradient_around(outputs, batch):
    classifier = ViewClassifier(8, 6, hidden_features=(5,))
    codes, weight = outputs["codes"], classifier.to_classes.weight
    plain = ViewConfusion(classifier)
    logs = classifier(codes)
    loss = torch.nn.functional.nll_loss(logs, batch["view_classes"][:, 0])
    (wanted,) = torch.autograd.grad(loss, codes)
    reversal = ViewReversal(classifier, weight=0.5)
    found = slope(reversal, "discriminate", outputs, batch, codes)
    torch.testing.assert_close(found, -0.5 * wanted)
    own = slope(reversal, "discriminate", outputs, batch, weight)
    torch.testing.assert_close(
        own, slope(plain, "discriminate", outputs, batch, weight)
    )
    values = torch.randn(3)
    assert torch.equal(reverse_gradient(values), values)


def prior(**options):
    discriminator = DCGANDiscriminator(6, image_size=16, widths=(3, 4))
    return ViewPriorAdversary(discriminator, **options)


def test_prior_judges_own_views_real_and_others_fake(outputs, batch):
    adversary, seen = prior(weight=2.0).train(), []
    fakes = torch.rand(4, 1, 16, 16, requires_grad=True)
    judge = adversary.discriminator.forward

    def note(silhouettes, classes):
        seen.append((silhouettes, classes))
        return judge(silhouettes, classes)

    adversary.discriminator.forward = note

    def render(views):
        assert views.shape == (4, 1)
        return fakes * 1.0

    own = outputs["silhouettes"]
    found = adversary("discriminate", outputs, batch, render)["loss_discriminate"]
    (fake, others), (real, classes) = seen
    assert torch.equal(fake, fakes[:, 0]) and not fake.requires_grad
    assert torch.equal(real, own[:, 0]) and not real.requires_grad
    assert torch.equal(classes, batch["view_classes"][:, 0])
    assert not (others == classes).any()
    chances = [torch.sigmoid(judge(*pair).logits) for pair in seen]
    wanted = -(torch.log(1 - chances[0]) + torch.log(chances[1])).mean() / 2
    torch.testing.assert_close(found, wanted)
    found = adversary("deceive", outputs, batch, render)["loss_deceive"]
    chance = torch.sigmoid(judge(*seen[2]).logits)
    torch.testing.assert_close(found, -2 * torch.log(chance).mean())
    assert slope(adversary, "deceive", outputs, batch, fakes, render).abs().sum() > 0


def test_other_views_lie_on_the_circle(batch):
    own, views = batch["view_classes"][:, 0], MeshViews.from_batch(batch)
    adversary, found = prior(), set()
    for _ in range(40):
        others, classes = adversary.other_views(views, own)
        torch.testing.assert_close(others.angles[:, 0, 0], -60.0 * classes)
        assert torch.equal(others.angles[..., 1:], views.angles[..., 1:])
        found.update(classes[own == 3].tolist())
    assert found == {0, 1, 2, 4, 5}
    assert torch.equal(views.angles, batch["view_angles"])
    others, classes = prior(azimuth_step=7.0).other_views(views, own)
    torch.testing.assert_close(others.angles[:, 0, 0], -67.0 * own + 7.0 * classes)


def test_other_views_of_the_batch_keep_their_class(batch):
    rotations = torch.eye(3) * torch.arange(4.0)[:, None, None, None]
    adversary, own = prior(others="batch"), torch.arange(4)
    for _ in range(10):
        others, classes = adversary.other_views(MeshViews(rotations=rotations), own)
        assert torch.equal(others.rotations[:, 0, 0, 0].long(), classes)
        assert not (classes == own).any()
        assert sorted(classes.tolist()) == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="expected two or more samples"):
        adversary.other_views(MeshViews(rotations=rotations[:1]), own[:1])
    with pytest.raises(ValueError, match="others='batch' takes them"):
        prior().other_views(MeshViews(rotations=rotations), own)


WIDE = [
    (lambda n=None: ViewClassifier(8, n), lambda part: part(torch.rand(2, 8)).shape[1]),
    (
        lambda n=None: DCGANDiscriminator(n, image_size=16, widths=(3, 4)),
        lambda part: part.first.in_channels - 1,
    ),
]


@pytest.mark.parametrize(("make", "width"), WIDE, ids=["classifier", "dcgan"])
def test_width_follows_data_or_weights(make, width):
    by_data = torch.nn.ModuleDict({"part": make()})
    settle_by_data(by_data, Data())
    assert width(by_data["part"]) == 6
    by_state = torch.nn.ModuleDict({"part": make()})
    state = {f"part.{key}": value for key, value in make(9).state_dict().items()}
    settle_by_state(by_state, state)
    assert width(by_state["part"]) == 9
    by_state.load_state_dict(state)
    settle_by_state(by_data, state)  # is settled already
    with pytest.raises(RuntimeError, match="size mismatch"):
        by_data.load_state_dict(state)
    with pytest.raises(ValueError, match="expected to be settled once"):
        by_data["part"].settle(6)
    with pytest.raises(ConfigError, match="part: expected num_classes .* a list"):
        settle_by_data(torch.nn.ModuleDict({"part": make()}), [])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ViewClassifier(8, 1), "expected at least 2, found 1"),
        (lambda: ViewClassifier(8)(torch.rand(2, 8)), "num_classes: expected a number"),
        (lambda: DCGANDiscriminator(3, image_size=40), "multiple of 16"),
        (lambda: prior(others="all"), "others: expected one of"),
        (lambda: prior()("confuse", {}, {}, None), "discriminate, deceive"),
        (
            lambda: prior()("deceive", {}, {"voxels": 0}, None),
            "expected 'view_classes' in the batch, found 'voxels'",
        ),
        (
            lambda: prior()("deceive", {}, {"view_classes": torch.tensor([6])}, None),
            "has 6 classes, found 6 to 6",
        ),
        (
            lambda: DCGANDiscriminator(3)(torch.rand(2, 32, 32), torch.tensor([0, 1])),
            r"expected \(N, 64, 64\)",
        ),
    ],
)
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises((ValueError, ConfigError), match=message):
        call()
