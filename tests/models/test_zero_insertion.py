# SPDX-License-Identifier: Apache-2.0
"""Upsampling by zeros: the quick form equals the plain one."""

import pytest
import torch
from torch.nn import functional as F

from svr3d.models.heads import VoxelDecoder
from svr3d.models.layers import ResidualBlock, ZeroInsertionConv3d, insert_zeros


def test_zeros_stand_between_the_values():
    x = torch.randn(2, 3, 2, 3, 4)
    fine = insert_zeros(x)
    assert fine.shape == (2, 3, 4, 6, 8)
    assert torch.equal(fine[..., ::2, ::2, ::2], x)
    assert fine.count_nonzero() == x.count_nonzero()


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("bias", [True, False])
def test_convolution_skips_the_zeros(kernel, bias):
    conv = ZeroInsertionConv3d(4, 5, kernel, bias=bias).double()
    x = torch.randn(2, 4, 3, 2, 4, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(2, 5, 6, 4, 8, dtype=torch.float64)
    quick = conv(x)
    plain = F.conv3d(insert_zeros(x), conv.weight, conv.bias, padding=kernel // 2)
    torch.testing.assert_close(quick, plain)
    inputs = [x, *conv.parameters()]
    ours = torch.autograd.grad((quick * weights).sum(), inputs)
    expected = torch.autograd.grad((plain * weights).sum(), inputs)
    for gradient, reference in zip(ours, expected, strict=True):
        torch.testing.assert_close(gradient, reference)


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("activation", ["join", "path"])
@pytest.mark.parametrize(
    ("shortcut", "depth"),
    [
        ("none", 1),
        ("identity", 2),
        ("projection", 1),
        ("projection", 2),
        ("before_last", 1),
        ("before_last", 2),
        ("after_last", 2),
    ],
)
def test_block_equals_the_block_of_an_inserted_grid(shortcut, depth, activation, norm):
    settings = dict(
        dims=3,
        depth=depth,
        shortcut=shortcut,
        activation=activation,
        norm=norm,
        bias=True,
    )
    torch.manual_seed(0)
    quick = ResidualBlock(4, 4, zero_insertion=True, **settings).double()
    plain = ResidualBlock(4, 4, **settings).double()
    plain.load_state_dict(quick.state_dict())
    x = torch.randn(2, 4, 3, 3, 2, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(2, 4, 6, 6, 4, dtype=torch.float64)
    ours, expected = quick(x), plain(insert_zeros(x))
    torch.testing.assert_close(ours, expected)
    ours = torch.autograd.grad((ours * weights).sum(), [x, *quick.parameters()])
    expected = torch.autograd.grad((expected * weights).sum(), [x, *plain.parameters()])
    for gradient, reference in zip(ours, expected, strict=True):
        torch.testing.assert_close(gradient, reference)


def test_input_of_a_block_stays_as_it_is():
    block = ResidualBlock(2, 2, dims=3, zero_insertion=True, norm=False)
    x = torch.randn(1, 2, 2, 2, 2)
    kept = x.clone()
    block(x)
    assert torch.equal(x, kept)


def test_images_cannot_be_inserted():
    with pytest.raises(ValueError, match="expected dims 3, found 2"):
        ResidualBlock(2, 2, dims=2, zero_insertion=True)


def test_decoder_grows_by_zeros():
    head = VoxelDecoder(
        (4, 4, 3), depths=(1, 2), upsamplings=2, grid_size=3, upsampling="zeros"
    )
    assert len(head.upsample) == 0
    assert head(torch.randn(2, 4, 3, 3, 3))["logits"].shape == (2, 12, 12, 12)
