# SPDX-License-Identifier: Apache-2.0
"""Residual blocks, the image encoder and the voxel decoder."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from svr3d.models.backbones import ResidualEncoder
from svr3d.models.heads import VoxelDecoder
from svr3d.models.layers import ResidualBlock


def test_pooled_block_equals_pool_after_activation():
    torch.manual_seed(0)
    block = ResidualBlock(3, 4, dims=2, shortcut="projection", pool=True)
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


def test_encoder_needs_a_shortcut_per_stage():
    with pytest.raises(ValueError, match="one per stage"):
        ResidualEncoder([2, 2], shortcuts=["none"])


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


def test_decoder_takes_a_vector():
    head = VoxelDecoder((4, 4), depths=(1,), upsamplings=1, code_features=7)
    assert head(torch.randn(3, 7))["logits"].shape == (3, 8, 8, 8)


def test_decoder_checks_its_widths():
    with pytest.raises(ValueError, match="one more width"):
        VoxelDecoder((4, 4, 4), depths=(1,))


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
