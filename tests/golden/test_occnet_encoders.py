# SPDX-License-Identifier: Apache-2.0
"""The encoders of Occupancy Networks against recorded runs of the published ones."""

import pytest
import torch
from occnet_cases import as_images, check, check_gradients
from torch import nn

from svr3d.converters.key_map import fill_state
from svr3d.converters.occnet import occnet_key_map, restore_occnet_names
from svr3d.models.backbones import (
    ConditionalResNet,
    EfficientNetEncoder,
    IndexEmbedding,
    PointNetEncoder,
    ResidualEncoder,
    ResNetPointNetEncoder,
    SimpleConvEncoder,
    VoxelEncoder,
)

R2N2_SIMPLE = dict(
    shortcuts=("none",) * 6,
    depth=1,
    norm=False,
    bias=True,
    pool="padded",
    slope=0.01,
    normalize=True,
    initialization=None,
)
R2N2_RESNET = dict(
    R2N2_SIMPLE, shortcuts=("none", *["projection"] * 5), depth=2, activation="path"
)
# Case -> encoder, how the recorded input becomes its own, tolerance of the outputs.
CASES = {
    "enc_resnet50": (lambda: ConditionalResNet(50, 32), as_images, 2e-4),
    "enc_simple_conv": (lambda: SimpleConvEncoder(32), None, 1e-5),
    "enc_r2n2_simple": (
        lambda: ResidualEncoder(out_features=32, **R2N2_SIMPLE),
        as_images,
        1e-5,
    ),
    "enc_pointnet_simple": (lambda: PointNetEncoder(48, hidden=32), None, 1e-5),
    "enc_pointnet_resnet": (lambda: ResNetPointNetEncoder(48, hidden=32), None, 1e-5),
    "enc_voxel_simple": (lambda: VoxelEncoder(64), torch.from_numpy, 1e-5),
}


@pytest.fixture
def load(golden, golden_dir):
    """Return a function: case, encoder -> (inputs, outputs), and the weights."""

    def load(case, encoder):
        folder = golden_dir / "occnet" / case
        state = {
            name if name.startswith(("encoder.", "decoder.")) else f"encoder.{name}": v
            for name, v in golden.state_dict(folder).items()
        }
        state = {n: v for n, v in state.items() if n.startswith("encoder.")}
        holder = nn.ModuleDict({"backbone": encoder})
        target = holder.state_dict()
        names = occnet_key_map(target)
        holder.load_state_dict(fill_state(names, state, target, what=case))
        return golden.load(folder)

    return load


@pytest.mark.parametrize("case", CASES)
def test_encoder(case, load):
    build, prepare, atol = CASES[case]
    encoder = build()
    inputs, outputs = load(case, encoder)
    x = inputs["x"]
    x = prepare(x) if prepare else torch.from_numpy(x.astype("float32"))
    with torch.no_grad():
        check(outputs, "eval.c", encoder.eval()(x), 2e-4, atol)
    code = encoder.train()(x)
    check(outputs, "train.c", code, 2e-4, atol)
    loss = code.square().sum()
    assert loss.item() == pytest.approx(float(outputs["train.loss"]), rel=2e-3)
    loss.backward()
    gradients = {f"backbone.{n}": p.grad for n, p in encoder.named_parameters()}
    named = restore_occnet_names(gradients)
    check_gradients(outputs, {n.removeprefix("encoder."): g for n, g in named.items()})


@pytest.mark.parametrize("case", ["lit_efficientnet_b0_cbn", "lit_efficientnet_b0_fc"])
def test_efficientnet_by_its_blocks(case, load):
    encoder = EfficientNetEncoder("b0", 128).eval()
    inputs, outputs = load(case, encoder)
    seen = {}
    layers = {"stem_bn": encoder._bn0, "head_bn": encoder._bn1}
    layers |= {f"block{i:02}": block for i, block in enumerate(encoder._blocks)}
    for name, layer in layers.items():
        layer.register_forward_hook(
            lambda module, args, output, name=name: seen.__setitem__(name, output)
        )
    images = as_images(inputs["images"])
    with torch.no_grad():
        check(outputs, "eval.c", encoder(images), 5e-4, 5e-4)
    assert len(seen) == 18
    for name, value in seen.items():
        largest = float(value.abs().max())
        check(outputs, f"eval.{name}", value, 0, 5e-4 * largest)
    # Batch statistics, without dropout and stochastic depth.
    encoder = EfficientNetEncoder("b0", 128, dropout=0.0, drop_path=0.0).train()
    load(case, encoder)
    with torch.no_grad():
        check(outputs, "train0.c", encoder(images), 5e-4, 5e-4)
    for name in ("running_mean", "running_var"):
        value = getattr(encoder._bn0, name)
        check(outputs, f"train0.after.bn0_{name}", value, 5e-4, 5e-4)


def test_resnet_without_normalization_of_its_own(load):
    encoder = ConditionalResNet(18, 256).eval()
    inputs, outputs = load("lit_resnet18_cbn", encoder)
    images = as_images(inputs["images"])
    with torch.no_grad():
        check(outputs, "eval.c", encoder(images), 5e-4, 5e-4)
        # That program's data set normalises; here the encoder can leave it to others.
        plain = ConditionalResNet(18, 256, normalize=False).eval()
        load("lit_resnet18_cbn", plain)
        check(outputs, "eval.c", plain(encoder.normalization(images)), 5e-4, 5e-4)


def test_published_names_of_encoders_that_were_not_recorded():
    parts = {
        "fc_out.bias": ResidualEncoder(out_features=8, **R2N2_RESNET),
        "weight": IndexEmbedding(5, 8),
        "conv_in.weight": VoxelEncoder(8, widths=(2, 4), coordinates=True),
    }
    for name, encoder in parts.items():
        tensors = {f"backbone.{n}": v for n, v in encoder.state_dict().items()}
        named = restore_occnet_names(tensors)
        assert len(named) == len(tensors)
        assert f"encoder.{name}" in named
    tensors = parts["fc_out.bias"].state_dict()
    named = restore_occnet_names({f"backbone.{n}": v for n, v in tensors.items()})
    # A sequence of two convolutions and a pool, then pairs of a block and a pool.
    shapes = {
        "convnet.2.weight": (96, 96, 3, 3),
        "convnet.5.convnet.0.weight": (128, 96, 3, 3),
        "convnet.13.convnet.2.bias": (256,),
        "convnet.13.shortcut.weight": (256, 256, 1, 1),
    }
    for name, shape in shapes.items():
        assert named[f"encoder.{name}"].shape == shape
