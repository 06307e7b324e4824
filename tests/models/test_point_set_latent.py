# SPDX-License-Identifier: Apache-2.0
"""The latent vector of the occupancy head: inferred in training, a prior otherwise."""

import pytest
import torch
from mmengine.registry import MODELS
from torch.distributions import Normal, kl_divergence

import svr3d.models  # noqa: F401  registers the parts
from svr3d.models.losses import LatentKL
from svr3d.models.losses.latent_kl import kl_to_unit_normal

LATENT = dict(type="PointSetLatent", latent_features=6, hidden_features=16)
DECODER = dict(
    type="SimpleDecoder", code_features=0, latent_features=6, hidden_features=16
)


def build_model(**head):
    torch.manual_seed(0)
    head = dict(type="OccupancyHead", decoder=DECODER, latent=LATENT, **head)
    losses = [dict(type="OccupancyBCE"), dict(type="LatentKL")]
    model = MODELS.build(
        dict(
            type="EncoderDecoder",
            backbone=dict(type="EmptyEncoder"),
            head=head,
            losses=losses,
            input_key="category",
        )
    )
    for parameter in model.parameters():
        parameter.data.normal_(0, 0.4)
    return model


def make_batch(samples=3, points=40):
    torch.manual_seed(1)
    return {
        "points": torch.rand(samples, points, 3) - 0.5,
        "occupancies": torch.randint(0, 2, (samples, points)).float(),
        "category": torch.zeros(samples, dtype=torch.int64),
    }


def test_published_number_of_parameters():
    latent = MODELS.build(dict(type="PointSetLatent"))
    assert sum(p.numel() for p in latent.parameters()) == 116_096


@pytest.mark.parametrize("leaky", [False, True])
def test_inference_ignores_the_order_of_points_and_sees_labels_and_code(leaky):
    torch.manual_seed(0)
    latent = MODELS.build(dict(LATENT, leaky=leaky, code_features=4))
    batch, code = make_batch(), torch.randn(3, 4)
    points, labels = batch["points"], batch["occupancies"]
    mean, log_std = latent(points, labels, code)
    assert mean.shape == log_std.shape == (3, 6)
    order = torch.randperm(40)
    turned, _ = latent(points[:, order], labels[:, order], code)
    torch.testing.assert_close(turned, mean)
    for other in (latent(points, 1 - labels, code), latent(points, labels, code + 1)):
        assert not torch.allclose(other[0], mean)


def test_training_infers_and_pays_for_the_divergence():
    model, batch = build_model(), make_batch()
    losses = model.loss(batch)
    assert list(losses) == ["loss_occupancy_bce", "loss_latent_kl"]
    mean, log_std = model.head.latent(
        batch["points"], batch["occupancies"], torch.zeros(3, 0)
    )
    expected = kl_divergence(Normal(mean, log_std.exp()), Normal(0, 1)).sum(1).mean()
    torch.testing.assert_close(losses["loss_latent_kl"], expected)
    sum(losses.values()).backward()
    assert model.head.latent.fc_logstd.bias.grad.abs().max() > 0
    torch.manual_seed(5)
    first = model.loss(batch)["loss_occupancy_bce"]
    torch.manual_seed(6)
    assert model.loss(batch)["loss_occupancy_bce"] != first


def test_prediction_takes_the_mean_of_the_prior_or_draws_from_it():
    batch = make_batch()
    field = build_model().predict(batch)
    assert torch.equal(field.codes, torch.zeros(3, 6))
    drawn = build_model(sample_latent=True).predict(batch)
    assert drawn.codes.std() > 0.5
    first, second = drawn(batch["points"][0])[:2]
    assert not torch.allclose(first, second)


def test_evidence_of_a_field_is_that_of_the_inferred_latent_vector():
    model, batch = build_model().eval(), make_batch()
    field = model.predict(batch)
    torch.manual_seed(7)
    error, divergence = field[1].evidence(
        batch["points"][1:2], batch["occupancies"][1:2]
    )
    one = {key: value[1:2] for key, value in batch.items()}
    torch.manual_seed(7)
    losses = model.loss(one)
    torch.testing.assert_close(error.mean(), losses["loss_occupancy_bce"])
    torch.testing.assert_close(divergence.mean(), losses["loss_latent_kl"])


def test_divergence_vanishes_at_the_prior_and_needs_a_latent_part():
    zeros = torch.zeros(2, 3)
    assert torch.equal(kl_to_unit_normal(zeros, zeros), zeros)
    with pytest.raises(ValueError, match="expected 'latent_mean' of a head with"):
        LatentKL()({"logits": zeros}, {})
