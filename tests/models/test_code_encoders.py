# SPDX-License-Identifier: Apache-2.0
"""The encoders that Occupancy Networks brought."""

import pytest
import torch

from svr3d.errors import CheckpointError
from svr3d.models.backbones import (
    ConditionalResNet,
    EfficientNetEncoder,
    EmptyEncoder,
    FeatureMapEncoder,
    IndexEmbedding,
    PointNetEncoder,
    ResidualEncoder,
    ResNetFeatures,
    ResNetPointNetEncoder,
    SimpleConvEncoder,
    VoxelEncoder,
)
from svr3d.models.backbones.efficientnet_blocks import MBConv, StaticSameConv2d
from svr3d.models.layers.imagenet import MEAN, STD

R2N2 = dict(out_features=256, norm=False, bias=True, pool="padded", initialization=None)
PLAIN = ("none",) * 6
PROJECTED = ("none", *["projection"] * 5)


@pytest.mark.parametrize(
    ("count", "part", "arguments"),
    [
        (11_307_840, ConditionalResNet, {}),
        (21_416_000, ConditionalResNet, dict(depth=34)),
        (24_032_576, ConditionalResNet, dict(depth=50)),
        (23_770_304, ConditionalResNet, dict(depth=50, out_features=128)),
        (11_176_512, ResNetFeatures, {}),
        (1_699_904, SimpleConvEncoder, {}),
        (2_780_416, ResidualEncoder, dict(R2N2, shortcuts=PLAIN, depth=1)),
        (5_614_176, ResidualEncoder, dict(R2N2, shortcuts=PROJECTED)),
        (149_120, PointNetEncoder, {}),
        (6_825_472, ResNetPointNetEncoder, dict(out_features=512, hidden=512)),
        (5_750_848, VoxelEncoder, {}),
        (5_750_848 + 3 * 32 * 27, VoxelEncoder, dict(coordinates=True)),
        (4_171_516, EfficientNetEncoder, {}),
        (4_335_484, EfficientNetEncoder, dict(out_features=256)),
        (6_677_152, EfficientNetEncoder, dict(variant="b1")),
        (28_603_056, EfficientNetEncoder, dict(variant="b5")),
        (64_114_768, EfficientNetEncoder, dict(variant="b7")),
        (30_661 * 512, IndexEmbedding, dict(num_objects=30_661)),
        (0, EmptyEncoder, {}),
    ],
)
def test_published_number_of_parameters(count, part, arguments):
    with torch.device("meta"):
        encoder = part(**arguments)
    assert sum(p.numel() for p in encoder.parameters()) == count
    width = arguments.get("out_features", getattr(encoder, "out_features", None))
    assert getattr(encoder, "out_features", None) == width


def test_resnet_emits_maps_and_codes():
    trunk = ResNetFeatures(18).eval()
    images = torch.rand(2, 3, 70, 64)
    with torch.no_grad():
        maps = trunk(images)
        assert maps.shape == (2, trunk.out_channels, 3, 2)
        encoder = ConditionalResNet(18, 512, linear=False).eval()
        encoder.features.load_state_dict(trunk.state_dict())
        expected = trunk(
            (images - torch.tensor(MEAN).view(3, 1, 1))
            / torch.tensor(STD).view(3, 1, 1)
        ).mean((2, 3))
        torch.testing.assert_close(encoder(images), expected)
    # The maps serve the encoder of Pix2Vox as those of VGG do.
    other = FeatureMapEncoder(trunk, (4,), kernels=(1,), pools=(1,), image_size=64)
    assert other.eval()(images[:, :, :64]).shape == (2, 16)
    with pytest.raises(ValueError, match=r"depth: expected one of 18, .*found 20"):
        ResNetFeatures(20)
    with pytest.raises(ValueError, match="expected 2048, the channels of ResNet-50"):
        ConditionalResNet(50, 256, linear=False)


def test_pretrained_resnet(tmp_path):
    state = ResNetFeatures(18).state_dict()
    state = {n: v + 1 for n, v in state.items() if v.is_floating_point()}
    # A classifier comes along; counters of batches did not exist at the time.
    torch.save({**state, "fc.weight": torch.zeros(9, 512)}, tmp_path / "a.pth")
    encoder = ConditionalResNet(18, 8, pretrained=str(tmp_path / "a.pth"))
    assert not torch.equal(encoder.features.conv1.weight, state["conv1.weight"])
    encoder.init_weights()
    loaded = encoder.features.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in state.items())
    other = ConditionalResNet(34, 8, pretrained=str(tmp_path / "a.pth"))
    with pytest.raises(CheckpointError, match=r"layer1\.2\.conv1\.weight: .* no such"):
        other.init_weights()
    torch.save([1], tmp_path / "b.pth")
    other = ConditionalResNet(18, 8, pretrained=str(tmp_path / "b.pth"))
    with pytest.raises(CheckpointError, match="resnet18 weights.*by name, found list"):
        other.init_weights()


def test_pretrained_efficientnet_keeps_its_last_layer(tmp_path):
    published = EfficientNetEncoder("b0", 10).state_dict()
    torch.save(published, tmp_path / "b0.pth")
    encoder = EfficientNetEncoder("b0", 8, pretrained=str(tmp_path / "b0.pth"))
    last = encoder._fc.weight.clone()
    encoder.init_weights()
    assert torch.equal(encoder._fc.weight, last)
    assert torch.equal(encoder._conv_head.weight, published["_conv_head.weight"])
    other = EfficientNetEncoder("b1", 8, pretrained=str(tmp_path / "b0.pth"))
    with pytest.raises(CheckpointError, match=r"b0\.pth: _blocks"):
        other.init_weights()
    with pytest.raises(ValueError, match="at least 32 pixels, found 31x40"):
        encoder(torch.rand(1, 3, 31, 40))
    with pytest.raises(ValueError, match="variant: expected one of 'b0', .* 'b8'"):
        EfficientNetEncoder("b8")


def test_padding_follows_the_nominal_size():
    # Of b0, from the published network: (padding on both sides, one more behind).
    with torch.device("meta"):
        encoder = EfficientNetEncoder("b0")
    layers = [encoder._conv_stem, *(b._depthwise_conv for b in encoder._blocks)]
    found = [(layer.padding[0], layer.extra) for layer in layers]
    assert found == [
        (0, 1),
        *[(1, 0), (0, 1), (1, 0), (1, 1), (2, 0), (0, 1), (1, 0), (1, 0)],
        *[(2, 0), (2, 0), (2, 0), (1, 1), (2, 0), (2, 0), (2, 0), (1, 0)],
    ]
    # 224 pixels need one row behind, 225 would need one on both sides.
    even = StaticSameConv2d(1, 1, 3, size=224, stride=2)
    image = torch.rand(1, 1, 9, 9)
    padded = torch.nn.functional.pad(image, (0, 1, 0, 1))
    expected = torch.nn.functional.conv2d(padded, even.weight, stride=2)
    torch.testing.assert_close(even(image), expected)
    wide = StaticSameConv2d(2, 2, 5, size=112, stride=2, groups=2)
    image = torch.rand(1, 2, 12, 12)
    padded = torch.nn.functional.pad(image, (1, 2, 1, 2))
    expected = torch.nn.functional.conv2d(padded, wide.weight, stride=2, groups=2)
    torch.testing.assert_close(wide(image), expected)


def test_stochastic_depth_drops_samples_in_training_alone():
    block = MBConv(4, 4, kernel=3, stride=1, expansion=1, size=8, drop=0.25)
    x = torch.rand(400, 4, 2, 2)
    whole = block.eval()(x) - x
    block.train()
    for layer in (block._bn1, block._bn2):
        layer.eval()
    path = block(x) - x
    dropped = path.abs().amax((1, 2, 3)) == 0
    assert 0.15 < dropped.float().mean() < 0.35
    torch.testing.assert_close(
        path[~dropped], whole[~dropped] / 0.75, atol=1e-5, rtol=1e-4
    )
    drops = [b.drop for b in EfficientNetEncoder("b0")._blocks]
    assert drops[0] == 0
    assert drops[15] == pytest.approx(0.2 * 15 / 16)


def test_simple_conv_says_what_it_needs():
    encoder = SimpleConvEncoder(5, widths=(4, 6, 8))
    assert encoder(torch.rand(2, 3, 15, 15)).shape == (2, 5)
    with pytest.raises(ValueError, match="at least 15 pixels, found 14x15"):
        encoder(torch.rand(2, 3, 14, 15))
    image = torch.rand(1, 3, 15, 15)
    normalized = SimpleConvEncoder(5, widths=(4, 6, 8), normalize=True)
    normalized.load_state_dict(encoder.state_dict())
    assert not torch.allclose(normalized(image), encoder(image))


@pytest.mark.parametrize("part", [PointNetEncoder, ResNetPointNetEncoder])
def test_point_encoders_do_not_see_the_order(part):
    encoder = part(6, hidden=8)
    # Blocks start as their shortcuts; give all layers something to do.
    for parameter in encoder.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    points = torch.rand(2, 10, 3)
    code = encoder(points)
    torch.testing.assert_close(code, encoder(points[:, torch.randperm(10)]))
    assert not torch.allclose(code, encoder(points + 0.3))
    for wrong in (torch.rand(2, 10, 4), torch.rand(2, 0, 3), torch.rand(10, 3)):
        with pytest.raises(ValueError, match=r"points: expected \(N, M, 3\)"):
            encoder(wrong)


def test_coordinates_tell_voxels_apart():
    arguments = dict(widths=(3, 4), resolution=6)
    voxels = torch.zeros(1, 6, 6, 6, dtype=torch.uint8)
    voxels[0, 1, 2, 3] = 1
    assert VoxelEncoder(5, **arguments)(voxels).shape == (1, 5)
    encoder = VoxelEncoder(5, **arguments, coordinates=True)
    seen = []
    encoder.conv_in.register_forward_hook(lambda m, args, out: seen.append(args[0]))
    encoder(voxels)
    (x,) = seen
    assert torch.equal(x[0, 0], voxels[0].float())
    line = torch.linspace(-0.5, 0.5, 6)
    torch.testing.assert_close(x[0, 1:, 1, 2, 3], line[[1, 2, 3]])
    with pytest.raises(ValueError, match=r"voxels: expected \(N, 6, 6, 6\)"):
        encoder(torch.zeros(1, 5, 6, 6))


def test_codes_without_input():
    encoder = IndexEmbedding(5, 4)
    index = torch.tensor([3, 0, 3])
    codes = encoder(index)
    assert torch.equal(codes[0], codes[2])
    assert torch.equal(codes[1], encoder.codes.weight[0])
    for wrong, message in (
        (torch.tensor([5]), "below 5"),
        (torch.tensor([-1]), "below 5"),
        (torch.tensor([0.5]), "whole numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            encoder(wrong)
    assert EmptyEncoder()(torch.rand(3, 2)).shape == (3, 0)
