# SPDX-License-Identifier: Apache-2.0
"""Residual blocks, the image encoder and the voxel decoder."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from svr3d.models.backbones import ResidualEncoder
from svr3d.models.fusion import GRU3D
from svr3d.models.heads import VoxelDecoder
from svr3d.models.layers import ResidualBlock


def test_pooled_block_equals_pool_after_activation():
    torch.manual_seed(0)
    block = ResidualBlock(3, 4, dims=2, shortcut="projection", pool="ceil")
    x = torch.randn(2, 3, 7, 7)
    inner = block.path(x) + block.shortcut(x)
    expected = F.max_pool2d(F.leaky_relu(inner, 0.1), 2, ceil_mode=True)
    assert expected.shape[-1] == 4
    assert torch.equal(block(x), expected)


def test_shortcuts():
    torch.manual_seed(0)
    x = torch.randn(2, 4, 5, 5)
    plain = ResidualBlock(4, 4, dims=2, shortcut="none", join_slope=1.0).eval()
    summed = ResidualBlock(4, 4, dims=2, shortcut="identity", join_slope=1.0).eval()
    summed.load_state_dict(plain.state_dict())
    torch.testing.assert_close(summed(x), plain(x) + x)
    with pytest.raises(ValueError, match="projection"):
        ResidualBlock(4, 5, dims=2, shortcut="identity")
    with pytest.raises(ValueError, match="shortcut"):
        ResidualBlock(4, 4, dims=2, shortcut="skip")


def test_activation_before_the_sum_and_padded_pool():
    torch.manual_seed(0)
    settings = dict(shortcut="projection", activation="path", norm=False, bias=True)
    block = ResidualBlock(3, 4, dims=2, slope=0.01, pool="padded", **settings)
    assert list(block.state_dict()) == [
        f"{name}.{key}"
        for name in ("path.0", "path.2", "shortcut.0")
        for key in ("weight", "bias")
    ]
    x = torch.randn(2, 3, 7, 7)
    first, _, second, _ = block.path
    inner = F.leaky_relu(second(F.leaky_relu(first(x), 0.01)), 0.01)
    summed = F.pad(inner + block.shortcut(x), (1, 1, 1, 1), value=-torch.inf)
    expected = F.max_pool2d(summed, 2)
    assert expected.shape[-1] == 4
    torch.testing.assert_close(block(x), expected)


def test_shortcuts_of_inner_values():
    torch.manual_seed(0)
    settings = dict(dims=3, activation="path", norm=False, bias=True, slope=0.01)
    before = ResidualBlock(3, 4, shortcut="before_last", **settings)
    after = ResidualBlock(3, 4, shortcut="after_last", **settings)
    after.load_state_dict(before.state_dict())
    x = torch.randn(2, 3, 4, 4, 4)
    first, _, second, _ = before.path
    inner = F.leaky_relu(first(x), 0.01)
    end = F.leaky_relu(second(inner), 0.01)
    extra = before.shortcut[0]
    assert extra.kernel_size == (3, 3, 3)
    torch.testing.assert_close(before(x), end + extra(inner))
    torch.testing.assert_close(after(x), end + extra(end))


def test_norms_can_be_left_out():
    block = ResidualBlock(3, 3, dims=2, last_norm=False)
    kinds = [type(layer).__name__ for layer in block.path]
    assert kinds == ["Conv2d", "BatchNorm2d", "LeakyReLU", "Conv2d"]
    block = ResidualBlock(3, 5, dims=2, shortcut="projection", norm=False)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in block.modules())
    for option in (dict(activation="sum"), dict(pool="floor")):
        with pytest.raises(ValueError, match=f"{next(iter(option))}: expected one of"):
            ResidualBlock(3, 3, dims=2, **option)


@pytest.mark.parametrize(
    ("image_size", "stages", "cells"), [(127, 6, 4), (64, 5, 4), (37, 3, 25)]
)
def test_encoder_takes_any_image_size(image_size, stages, cells):
    encoder = ResidualEncoder(
        [2] * stages,
        shortcuts=["projection"] * stages,
        image_size=image_size,
        out_features=5,
    )
    assert encoder.project.in_features == 2 * cells
    assert encoder(torch.randn(2, 3, image_size, image_size)).shape == (2, 5)
    with pytest.raises(ValueError, match=f"{image_size}x{image_size}.*found 30x30"):
        encoder(torch.randn(2, 3, 30, 30))


def test_encoder_needs_a_shortcut_and_a_depth_per_stage():
    with pytest.raises(ValueError, match="shortcuts: expected one per stage"):
        ResidualEncoder([2, 2], shortcuts=["none"])
    with pytest.raises(ValueError, match="depth: expected one number or one per stage"):
        ResidualEncoder([2], shortcuts=["none"], depth=(1, 2))


def test_shallow_encoder_with_padded_pools():
    torch.manual_seed(0)
    encoder = ResidualEncoder(
        [2, 4],
        shortcuts=["none", "none"],
        depth=(1, 1),
        norm=False,
        bias=True,
        pool="padded",
        slope=0.01,
        output_slope=0.2,
        image_size=13,
        out_features=5,
    )
    x = torch.randn(2, 3, 13, 13)
    y = x
    for stage in encoder.stages:
        y = F.leaky_relu(F.max_pool2d(stage.path[0](y), 2, padding=1), 0.01)
    assert y.shape[-1] == 4
    expected = F.leaky_relu(encoder.project(y.flatten(1)), 0.2)
    torch.testing.assert_close(encoder(x), expected)


def test_decoder_grows_the_grid():
    head = VoxelDecoder((6, 4, 3), depths=(1, 2), upsamplings=2, grid_size=3)
    outputs = head(torch.randn(2, 6, 3, 3, 3))
    assert head.resolution == 12
    assert outputs["logits"].shape == (2, 12, 12, 12)
    structure = head.to_structure(outputs)
    assert len(structure) == 2
    torch.testing.assert_close(
        structure.probabilities, torch.sigmoid(outputs["logits"])
    )


def test_two_channels_are_a_softmax():
    torch.manual_seed(0)
    head = VoxelDecoder((3, 3), depths=(1,), upsamplings=1, out_channels=2)
    scores = []
    head.to_logits.register_forward_hook(lambda *args: scores.append(args[-1]))
    outputs = head(torch.randn(2, 3, 4, 4, 4))
    occupied = torch.softmax(scores[0], dim=1)[:, 1]
    torch.testing.assert_close(head.to_structure(outputs).probabilities, occupied)


def test_decoder_takes_a_vector():
    head = VoxelDecoder((4, 4), depths=(1,), upsamplings=1, code_features=7)
    assert head(torch.randn(3, 7))["logits"].shape == (3, 8, 8, 8)


def test_decoder_checks_its_widths():
    with pytest.raises(ValueError, match="one more width"):
        VoxelDecoder((4, 4, 4), depths=(1,))
    with pytest.raises(ValueError, match="shortcuts: expected one per block"):
        VoxelDecoder((4, 4), depths=(1,), upsamplings=1, shortcuts=())
    for option in (dict(upsampling="nearest"), dict(out_channels=3)):
        with pytest.raises(ValueError, match=f"{next(iter(option))}: expected"):
            VoxelDecoder(**option)


def test_initial_weights_follow_the_recipe():
    torch.manual_seed(0)
    head = VoxelDecoder((32, 32, 32), depths=(2, 2), upsamplings=1)
    conv = head.blocks[0].path[0]
    assert conv.weight.std().item() == pytest.approx((2 / (32 * 27)) ** 0.5, rel=0.02)
    bound = (6 / (64 * 8)) ** 0.5
    assert 0.95 * bound < head.upsample[0].weight.abs().max().item() <= bound
    encoder = ResidualEncoder([16], shortcuts=["projection"], image_size=8)
    kernel = encoder.stages[0].path[0].weight
    bound = (6 / ((3 + 16) * 49)) ** 0.5
    assert 0.95 * bound < kernel.abs().max().item() <= bound
    for module in (*head.modules(), *encoder.modules()):
        if isinstance(module, nn.Conv2d | nn.Conv3d) and module.bias is not None:
            assert not module.bias.any()
    with pytest.raises(ValueError, match="paddle"):
        VoxelDecoder(initialization="unknown")


@pytest.mark.parametrize(
    ("recipe", "fans"), [("theano", 27 * 48 + 27 * 32), ("port", 27 * 48 + 9 * 32 * 48)]
)
def test_initial_weights_of_the_authors(recipe, fans):
    torch.manual_seed(0)
    head = VoxelDecoder(
        (48, 32), depths=(1,), upsamplings=0, initialization=recipe, norm=False
    )
    weight = head.blocks[0].path[0].weight
    assert weight.std().item() == pytest.approx((4 / fans) ** 0.5, rel=0.02)
    encoder = ResidualEncoder(
        [40], shortcuts=["none"], image_size=8, norm=False, initialization=recipe
    )
    for weight, fans in (
        (encoder.stages[0].path[0].weight, 49 * (3 + 40)),
        (encoder.project.weight, 1024 + 40 * 16),
    ):
        assert weight.std().item() == pytest.approx((4 / fans) ** 0.5, rel=0.03)
    assert torch.all(encoder.project.bias == 0.1)
    assert torch.all(head.blocks[0].path[0].bias == 0.1)
    unit = GRU3D(64, channels=32, grid_size=2, norm=None, initialization=recipe)
    fans = 64 + 32 * 8
    std = unit.input_map.weight.std().item()
    assert std == pytest.approx((4 / fans) ** 0.5, rel=0.02)
    fans = 32 * 27 + (32 * 27 if recipe == "theano" else 32 * 32 * 9)
    std = unit.gates_conv.weight.std().item()
    assert std == pytest.approx((4 / fans) ** 0.5, rel=0.02)
