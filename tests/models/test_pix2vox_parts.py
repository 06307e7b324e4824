# SPDX-License-Identifier: Apache-2.0
"""VGG features, the encoder on them, the transposed decoder and the refiner."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS

from svr3d.errors import CheckpointError
from svr3d.models.backbones import FeatureMapEncoder, VGGFeatures
from svr3d.models.heads import TransposedVoxelDecoder
from svr3d.models.refiners import VoxelRefiner

SMALL = dict(stages=((4, 4), (6,)))


def published(layers, extra=True):
    """A state dict with the names of torchvision's, without counters of batches."""
    state = {
        f"features.{name}": torch.rand_like(value)
        for name, value in layers.state_dict().items()
        if value.is_floating_point()
    }
    return {**state, "classifier.0.weight": torch.rand(3, 3)} if extra else state


@pytest.mark.parametrize(
    ("variant", "trainable", "total"),
    [("f", 1_739_392 + 2_769_368 + 8_571, 7_436_307)]
    + [("a", 114_244_467 - 7_772_480 + 4_853_504, 114_244_467)],
)
def test_published_models_have_the_published_number_of_parameters(
    variant, trainable, total, repository
):
    path = repository / f"configs/pix2vox/pix2vox_{variant}_shapenet.py"
    with torch.device("meta"):
        model = MODELS.build(Config.fromfile(path).model)
    counts = {
        frozen: sum(
            p.numel() for p in model.parameters() if p.requires_grad is not frozen
        )
        for frozen in (True, False)
    }
    assert counts[False] == trainable
    assert counts[True] + counts[False] == total


def test_layers_are_numbered_as_published():
    layers = VGGFeatures().layers
    assert len(layers) == 27
    convolutions = [
        i for i, layer in enumerate(layers) if isinstance(layer, torch.nn.Conv2d)
    ]
    assert convolutions == [0, 3, 7, 10, 14, 17, 20, 24]
    pools = [
        i for i, layer in enumerate(layers) if isinstance(layer, torch.nn.MaxPool2d)
    ]
    assert pools == [6, 13, 23]


def test_published_weights_load_and_stay_frozen(tmp_path):
    trunk = VGGFeatures(**SMALL)
    state = published(trunk.layers)
    torch.save(state, tmp_path / "vgg.pth")
    trunk = VGGFeatures(**SMALL, pretrained=str(tmp_path / "vgg.pth"))
    encoder = FeatureMapEncoder(trunk, (4,), kernels=(1,), pools=(4,), image_size=16)
    encoder.init_weights()
    for name, value in trunk.layers.state_dict().items():
        if value.is_floating_point():
            assert torch.equal(value, state[f"features.{name}"])
    assert not any(p.requires_grad for p in trunk.parameters())
    assert all(p.requires_grad for p in encoder.layers.parameters())
    assert all(p.requires_grad for p in VGGFeatures(**SMALL, frozen=False).parameters())


def test_training_of_a_model_loads_published_weights(tmp_path):
    state = published(VGGFeatures(**SMALL).layers)
    torch.save(state, tmp_path / "vgg.pth")
    trunk = dict(type="VGGFeatures", **SMALL, pretrained=str(tmp_path / "vgg.pth"))
    model = MODELS.build(
        dict(
            type="EncoderDecoder",
            backbone=dict(
                type="FeatureMapEncoder",
                trunk=trunk,
                widths=(8,),
                kernels=(1,),
                pools=(8,),
                image_size=16,
            ),
            head=dict(type="TransposedVoxelDecoder", widths=(1, 2), grid_size=2),
        )
    )
    weight = model.backbone.trunk.layers[0].weight
    assert not torch.equal(weight, state["features.0.weight"])
    model.init_weights()
    assert torch.equal(weight, state["features.0.weight"])


def test_published_weights_that_do_not_fit(tmp_path):
    trunk = VGGFeatures(**SMALL)
    state = published(trunk.layers)
    with pytest.raises(CheckpointError, match=r"f\.pth: features\.3\.bias.*no such"):
        trunk.load_published(
            {k: v for k, v in state.items() if k != "features.3.bias"}, source="f.pth"
        )
    with pytest.raises(CheckpointError, match=r"features\.7\.weight: expected shape"):
        VGGFeatures(((4, 4), (5,))).load_published(state, source="f.pth")
    with pytest.raises(CheckpointError, match="pretrained: .*nowhere"):
        VGGFeatures(**SMALL, pretrained=str(tmp_path / "nowhere")).init_weights()
    # A file that would run code is not run.
    torch.save({"features": Dangerous()}, tmp_path / "bad.pth")
    with pytest.raises(CheckpointError, match="Unpickling"):
        VGGFeatures(**SMALL, pretrained=str(tmp_path / "bad.pth")).init_weights()


class Dangerous:
    def __reduce__(self):
        return (pytest.fail, ("the file was executed",))


@pytest.mark.parametrize("frozen_statistics", [False, True])
def test_statistics_of_the_trunk_move_unless_frozen(frozen_statistics):
    trunk = VGGFeatures(**SMALL, frozen_statistics=frozen_statistics).train()
    before = trunk.layers[1].running_mean.clone()
    trunk(torch.rand(2, 3, 8, 8))
    assert torch.equal(trunk.layers[1].running_mean, before) is frozen_statistics
    assert trunk.training
    assert not trunk.eval().layers[1].training


def test_encoder_flattens_maps_channel_first():
    trunk = VGGFeatures(**SMALL)
    encoder = FeatureMapEncoder(
        trunk, (8, 5), kernels=(1, 3), pools=(2, 1), image_size=17
    ).eval()
    assert encoder.out_features == 5 * 2 * 2  # 17 -> 8 -> 8 -> 4 -> 2
    images = torch.rand(2, 3, 17, 17)
    maps = encoder.layers(trunk.eval()(images))
    assert maps.shape == (2, 5, 2, 2)
    last = images.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(encoder(last), maps.reshape(2, -1))
    with pytest.raises(ValueError, match="17x17 pixels .* found 16x17"):
        encoder(images[:, :, :16])


def test_encoders_that_cannot_be():
    with pytest.raises(ValueError, match="2 widths, 1 kernels and 2 pools"):
        FeatureMapEncoder(VGGFeatures(**SMALL), (4, 4), kernels=(1,), pools=(1, 1))
    with pytest.raises(ValueError, match=r"images of 64 pixels .* leave no cell"):
        FeatureMapEncoder(VGGFeatures(**SMALL), image_size=64, pools=(1, 40, 1))


def test_decoder_takes_grids_and_vectors():
    decoder = TransposedVoxelDecoder((4, 3, 2), grid_size=2).eval()
    assert decoder.resolution == 8
    grid = torch.rand(2, 4, 2, 2, 2)
    outputs = decoder(grid)
    assert outputs["logits"].shape == (2, 8, 8, 8)
    assert outputs["features"].shape == (2, 2, 8, 8, 8)
    torch.testing.assert_close(decoder(grid.flatten(1))["logits"], outputs["logits"])
    probabilities = decoder.to_structure(outputs).probabilities
    torch.testing.assert_close(probabilities, torch.sigmoid(outputs["logits"]))
    merged = {"probabilities": probabilities}
    assert decoder.to_structure(merged).probabilities is probabilities
    expected = r"expected a code of shape \(4, 2, 2, 2\)"
    for wrong in (grid[:, :3], grid.flatten(1)[:, :-1], torch.rand(2, 4, 4, 4, 4)):
        with pytest.raises(ValueError, match=expected):
            decoder(wrong)
    longer = TransposedVoxelDecoder((4, 3, 2), grid_size=2, code_features=7)
    assert longer(torch.rand(2, 7))["logits"].shape == (2, 8, 8, 8)


def test_refiner_is_the_mean_of_its_input_and_its_answer():
    refiner = VoxelRefiner((2, 4), resolution=8, hidden_features=3).eval()
    volumes = torch.rand(2, 8, 8, 8)
    with torch.no_grad():
        refined = refiner(volumes)
        answer = 2 * refined - volumes
        assert answer.min() >= 0 and answer.max() <= 1
        torch.nn.init.zeros_(refiner.up[-1].weight)
        torch.testing.assert_close(refiner(volumes), (volumes + 0.5) / 2)
    with pytest.raises(ValueError, match=r"8\^3 voxels .* found \(16, 16, 16\)"):
        refiner(torch.rand(1, 16, 16, 16))
    with pytest.raises(ValueError, match="halved 3 times .* found 12"):
        VoxelRefiner(resolution=12)


def test_published_initial_weights():
    refiner = VoxelRefiner((8, 16), resolution=8, hidden_features=64)
    linear = refiner.dense[0].weight
    assert linear.std().item() == pytest.approx(0.01, rel=0.1)
    down = refiner.down[1][0].weight  # (16, 8, 4, 4, 4), fan-in 8 * 64
    assert down.std().item() == pytest.approx((2 / 512) ** 0.5, rel=0.1)
    up = refiner.up[0][0].weight  # (16, 8, 4, 4, 4) from 16 to 8 channels, fan 8 * 64
    assert up.std().item() == pytest.approx((2 / 512) ** 0.5, rel=0.1)
    biases = [m.bias for m in refiner.modules() if getattr(m, "bias", None) is not None]
    assert biases and not any(bias.any() for bias in biases)


def test_bias_of_the_logits_is_where_it_was_asked_to_start():
    assert TransposedVoxelDecoder((4, 2)).to_logits.bias is None
    decoder = TransposedVoxelDecoder((4, 2), logit_bias=-2.0).eval()
    assert decoder.to_logits.bias.requires_grad
    torch.nn.init.zeros_(decoder.to_logits.weight)
    logits = decoder(torch.rand(1, 4, 2, 2, 2))["logits"]
    assert torch.equal(logits, torch.full((1, 4, 4, 4), -2.0))
