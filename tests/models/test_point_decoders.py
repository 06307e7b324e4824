# SPDX-License-Identifier: Apache-2.0
"""Decoders at points: training, evaluation, and the fast way of it."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import MODELS

import svr3d.models  # noqa: F401  registers the parts
from svr3d.models.layers.conditional_batch_norm import ConditionalBatchNorm
from svr3d.models.layers.fc_block import FCBlock
from svr3d.models.layers.normalized_points import normalize_points
from svr3d.models.layers.point_block import PointBlock
from svr3d.models.layers.pointwise_linear import pointwise_linear
from svr3d.models.layers.sync_batch_norm import convert_sync_batch_norm

NAMES = (
    "SimpleDecoder",
    "CBNDecoder",
    "CBNDecoder2",
    "BatchNormDecoder",
    "CBNNoResNetDecoder",
)


def build(name, **changes):
    sizes = dict(code_features=7, latent_features=5, hidden_features=24)
    decoder = MODELS.build(dict(type=name, **{**sizes, **changes}))
    generator = torch.Generator().manual_seed(1)
    for parameter in decoder.parameters():
        parameter.data.normal_(0, 0.3, generator=generator)
    return decoder


def arguments(samples=3, points=50, code=7, latent=5):
    torch.manual_seed(2)
    return (
        torch.rand(samples, points, 3) - 0.5,
        torch.randn(samples, latent),
        torch.randn(samples, code),
    )


@pytest.mark.parametrize(
    ("name", "sizes", "count"),
    [
        ("SimpleDecoder", dict(code_features=256), 198_657),
        ("SimpleDecoder", dict(code_features=0, latent_features=128), 182_273),
        # Without five layers of the program whose results are never used.
        ("SimpleDecoder", dict(activation="after"), 182_273 - 5 * 129 * 128),
        ("CBNDecoder", dict(code_features=256), 2_106_625),
        ("CBNDecoder", dict(code_features=512), 3_548_417),
        ("CBNDecoder", dict(code_features=256, latent_features=64), 2_123_265),
        ("CBNDecoder", dict(hidden_features=128), 529_025),
        ("CBNDecoder2", dict(code_features=256, latent_features=64), 2_123_265),
        ("BatchNormDecoder", dict(code_features=256), 730_625),
        ("CBNNoResNetDecoder", dict(code_features=256), 1_119_745),
    ],
)
def test_number_of_parameters_is_the_published_one(name, sizes, count):
    decoder = MODELS.build(dict(type=name, **sizes))
    assert sum(p.numel() for p in decoder.parameters()) == count


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("leaky", [False, True])
def test_ways_to_evaluate_agree(name, leaky):
    decoder = build(name, **({} if name == "CBNDecoder2" else {"leaky": leaky}))
    batch = arguments(points=4200)
    decoder.train()
    trained = decoder(*batch)
    slow = decoder.evaluate(*batch)
    assert not torch.allclose(trained, slow, rtol=1e-2) or name == "SimpleDecoder"
    with torch.no_grad():
        fast = decoder.evaluate(*batch)
    scale = slow.abs().max().item()
    torch.testing.assert_close(fast, slow, rtol=1e-4, atol=1e-5 * scale)
    assert torch.equal(decoder.eval()(*batch), slow)
    one = tuple(value[1:2] for value in batch)
    with torch.no_grad():
        alone = decoder.evaluate(one[0][:, :33], *one[1:])
        none = decoder.evaluate(one[0][:, :0], *one[1:])
    torch.testing.assert_close(alone, slow[1:2, :33], rtol=1e-4, atol=1e-5 * scale)
    assert none.shape == (1, 0)


@pytest.mark.parametrize("name", NAMES)
def test_evaluation_has_second_derivatives(name):
    decoder = build(name).double()
    points, latent, code = (value.double() for value in arguments(points=3))
    points.requires_grad_()
    with torch.autograd.set_detect_anomaly(True):
        logits = decoder.evaluate(points, latent, code)
        (gradient,) = torch.autograd.grad(logits.sum(), points, create_graph=True)
        assert torch.isfinite(gradient).all() and gradient.abs().max() > 0
        gradient.square().sum().backward()
    step = 1e-6
    shifted = (points.detach() + torch.tensor([step, 0, 0])).requires_grad_()
    change = decoder.evaluate(shifted, latent, code) - logits
    torch.testing.assert_close(change / step, gradient[..., 0], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_is_near(name):
    decoder = build(name).eval()
    batch = arguments()
    with torch.no_grad():
        exact = decoder(*batch)
        with torch.autocast("cpu", torch.bfloat16):
            fast = decoder(*batch)
    assert (fast - exact).norm() < 0.05 * exact.norm()
    decoder.train()
    with torch.autocast("cpu", torch.bfloat16):
        logits = decoder(*batch)
    logits.float().square().sum().backward()
    gradients = [p.grad for p in decoder.parameters()]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("slope", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("samples", [1, 4])
def test_normalisation_is_torchs_with_scale_shift_and_activation(slope, samples):
    torch.manual_seed(3)
    ours, theirs = (torch.nn.BatchNorm1d(6, affine=False).double() for _ in range(2))
    points = (3 + torch.randn(samples, 9, 6)).double().requires_grad_()
    gamma, beta = (torch.randn(samples, 6).double().requires_grad_() for _ in range(2))
    weights = torch.randn(samples, 9, 6).double()
    inputs = (points, gamma, beta)
    found = normalize_points(points, ours, slope, (gamma, beta))
    x = theirs(points.transpose(1, 2)).transpose(1, 2)
    expected = F.leaky_relu(gamma[:, None] * x + beta[:, None], slope)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict())
    torch.testing.assert_close(
        torch.autograd.grad((found * weights).sum(), inputs),
        torch.autograd.grad((expected * weights).sum(), inputs),
    )


def test_gradient_of_the_normalisation():
    norm = torch.nn.BatchNorm1d(3, affine=False).double()
    inputs = [torch.randn(2, 5, 3), torch.randn(2, 3), torch.randn(2, 3)]
    inputs = [value.double().requires_grad_() for value in inputs]
    assert torch.autograd.gradcheck(
        lambda x, *affine: normalize_points(x, norm, 0.2, affine), inputs
    )


@pytest.mark.parametrize("code_features", [None, 4])
def test_synchronised_norms_do_the_same(code_features):
    torch.manual_seed(4)
    plain = PointBlock(6, code_features=code_features)
    torch.nn.init.normal_(plain.second.weight)
    synchronised = PointBlock(6, code_features=code_features)
    synchronised.load_state_dict(plain.state_dict())
    convert_sync_batch_norm(synchronised)
    points, code = torch.randn(3, 8, 6), torch.randn(3, 4)
    torch.testing.assert_close(synchronised(points, code), plain(points, code))
    torch.testing.assert_close(synchronised.state_dict(), plain.state_dict())
    torch.testing.assert_close(
        synchronised.eval()(points, code), plain.eval()(points, code)
    )


def test_conditional_norm_alone_has_no_activation():
    norm = ConditionalBatchNorm(4, 6)
    points, code = torch.randn(3, 8, 6), torch.randn(3, 4)
    expected = F.batch_norm(points.transpose(1, 2), None, None, training=True)
    torch.testing.assert_close(norm(points, code), expected.transpose(1, 2))


@pytest.mark.parametrize("shape", [(32, 20), (3, 7, 20), (2, 16, 20), (0, 20)])
def test_pointwise_layer_is_a_linear_layer(shape):
    points = torch.randn(shape, requires_grad=True)
    weight, bias = torch.randn(17, 20, requires_grad=True), torch.randn(17)
    found = pointwise_linear(points, weight, bias)
    expected = F.linear(points, weight, bias)
    torch.testing.assert_close(found, expected)
    # Sums over rows in another order.
    torch.testing.assert_close(
        torch.autograd.grad(found.square().sum(), (points, weight)),
        torch.autograd.grad(expected.square().sum(), (points, weight)),
        rtol=1e-4,
        atol=1e-4,
    )


def test_activation_behind_the_layers_never_lowers_a_feature():
    block = FCBlock(6, 6, activation="after")
    torch.nn.init.normal_(block.fc_1.weight)
    x = torch.randn(9, 6)
    added = block(x) - x
    assert added.min() >= 0 and added.max() > 0
    torch.testing.assert_close(added, block.fc_1(x).relu(), rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="'before' or 'after', found 'inside'"):
        FCBlock(6, 6, activation="inside")


@pytest.mark.parametrize("name", NAMES)
def test_other_lengths_are_refused(name):
    decoder, (points, latent, code) = build(name), arguments()
    for mode in (True, False):
        decoder.train(mode)
        with pytest.raises(ValueError, match=r"expected latent \(B, 5\), found \(3, 4"):
            decoder(points, latent[:, :4], code)
        with pytest.raises(ValueError, match=rf"{name}: expected code \(B, 7\)"):
            decoder(points, latent, code[:, :6])
