# SPDX-License-Identifier: Apache-2.0
"""Networks of AtlasNet and its fork against recorded runs of the published programs."""

import copy

import numpy as np
import pytest
import torch
from atlasnet_cases import as_views, check, check_gradients
from torch import nn

from svr3d.converters.atlasnet import convert_atlasnet, restore_atlasnet_names
from svr3d.models.backbones import BatchNormPointNetEncoder, ConditionalResNet
from svr3d.models.heads import AtlasNetHead, FoldNetHead, PSGNHead
from svr3d.models.losses import ChamferLoss
from svr3d.models.reconstructors import EncoderDecoder
from svr3d.models.templates import SphereTemplate, SquareTemplate
from svr3d.structures import Mesh

SPHERE, SQUARE = SphereTemplate, SquareTemplate


@pytest.fixture
def load(golden, golden_dir):
    """Return a function: case, module, prefixes -> inputs, outputs of the case.

    The module gets the recorded weights; its name in a whole model and the one that
    the case leaves out are put before its own.
    """

    def load(case, module, *, ours="", theirs=""):
        folder = golden_dir / "atlasnet" / case
        state = {theirs + n: v for n, v in golden.state_dict(folder).items()}
        target = {ours + n: v for n, v in module.state_dict().items()}
        converted = convert_atlasnet(state, target)
        module.load_state_dict(
            {name.removeprefix(ours): value for name, value in converted.items()}
        )
        return golden.load(folder)

    return load


def single_view(head, width, *, points=False):
    backbone = ConditionalResNet(18, width, normalize=False)
    if points:
        backbone = BatchNormPointNetEncoder(width)
    return EncoderDecoder(
        backbone,
        head,
        losses=[ChamferLoss()],
        input_key="input_points" if points else "images",
    )


def primitives(points, patches):
    """Fused points (B, P n, 3) as the program's (B, P, 3, n)."""
    return points.unflatten(1, (patches, -1)).transpose(2, 3)


def give_template(head, points, monkeypatch):
    """Let training take recorded points (P, 1, d, n)."""
    points = torch.from_numpy(points).squeeze(1).transpose(1, 2)
    monkeypatch.setattr(head.template, "random_points", lambda *_, **__: points)


@pytest.mark.parametrize(
    ("case", "template", "patches", "count"),
    [
        ("svr_sphere1_eval", SPHERE, 1, 12_762_691),
        ("svr_square25_eval", SQUARE, 25, 38_197_899),
    ],
)
def test_single_view_network(case, template, patches, count, load):
    head = AtlasNetHead(template(), num_patches=patches)
    model = single_view(head, 1024).eval()
    inputs, outputs = load(case, model)
    assert sum(p.numel() for p in model.parameters()) == count
    batch = {"images": as_views(inputs["image_u8"])}
    with torch.no_grad():
        check(outputs, "latent", model.code(batch))
        points = model.outputs(batch)["points"]
        check(outputs, "points", primitives(points, patches))
        check(outputs, "fused", points)
        mesh = model.predict(batch)
    assert isinstance(mesh, Mesh) and torch.equal(mesh.vertices[0], points[0])


@pytest.mark.parametrize(
    ("case", "patches", "template", "arguments"),
    [
        ("svr_sphere1_train", 1, SPHERE, {}),
        (
            "autoencoder_square4_train",
            4,
            SQUARE,
            dict(features=128, hidden_features=64),
        ),
    ],
)
def test_training_pass(case, patches, template, arguments, load, monkeypatch):
    head = AtlasNetHead(template(), num_patches=patches, **arguments)
    autoencoder = case.startswith("auto")
    model = single_view(head, head.features, points=autoencoder).train()
    inputs, outputs = load(case, model)
    give_template(head, inputs["template"], monkeypatch)
    target = torch.from_numpy(inputs["points"])
    batch = {"surface_points": target, "input_points": target}
    if not autoencoder:
        batch["images"] = as_views(inputs["image_u8"])
    before = copy.deepcopy(model.state_dict())
    result = model.outputs(batch)
    check(outputs, "prims", primitives(result["points"], patches), 1e-3, 2e-4)
    loss = model.losses["chamfer_loss"](result, batch)
    assert loss.item() == pytest.approx(float(outputs["loss"]), rel=1e-5)
    state = restore_atlasnet_names(model.state_dict())
    after = [key for key in outputs if key.startswith("after.")]
    assert len(after) >= 8
    for key in after:
        check(outputs, key, state[key.removeprefix("after.")])
    # In float32 some maxima and neighbours change places, which gradients tell.
    model.load_state_dict(before)
    model.double()
    batch = {key: value.double() for key, value in batch.items()}
    (loss,) = model.loss(batch).values()
    loss.backward()
    check_gradients(outputs, model)


DECODERS = {
    "decoder_softplus_square4": dict(
        template=SQUARE(),
        num_patches=4,
        num_layers=3,
        activation="softplus",
        num_points_eval=400,
    ),
    "decoder_tanh_square3_odd": dict(
        template=SQUARE(),
        num_patches=3,
        num_layers=1,
        activation="tanh",
        num_points_eval=500,
    ),
    "decoder_nobn_sphere1": dict(
        template=SPHERE(), num_layers=0, activation="sigmoid", batch_norm=False
    ),
}


@pytest.mark.parametrize("case", DECODERS)
def test_decoder(case, load):
    head = AtlasNetHead(**DECODERS[case], features=64, hidden_features=32).eval()
    inputs, outputs = load(case, head, ours="head.", theirs="decoder.")
    with torch.no_grad():
        points = head(torch.from_numpy(inputs["latent"]))["points"]
    check(outputs, "points", primitives(points, head.num_patches))


@pytest.mark.parametrize(
    ("case", "template", "patches", "number"),
    [("mesh_square4", SQUARE, 4, 400), ("mesh_sphere1", SPHERE, 1, 2500)],
)
def test_mesh(case, template, patches, number, load):
    # The program takes the number of training points for meshes.
    head = AtlasNetHead(
        template(),
        num_patches=patches,
        features=64,
        hidden_features=32,
        num_points_eval=number,
    ).eval()
    inputs, outputs = load(case, head, ours="head.", theirs="decoder.")
    with torch.no_grad():
        mesh = head.to_structure(head(torch.from_numpy(inputs["latent"])))
    check(outputs, "vertices", mesh.vertices[0])
    np.testing.assert_array_equal(mesh.faces[0].numpy(), outputs["faces"])
    if patches > 1:
        _, sources = mesh.colors[0].unique(dim=0, return_inverse=True)
        expected = outputs["vertex_sources"]
        pairs = {(int(a), int(b)) for a, b in zip(sources, expected, strict=True)}
        assert len(pairs) == patches == len(set(expected.tolist()))


@pytest.mark.parametrize(
    ("case", "encoder"),
    [
        ("encoder_resnet18_64", lambda: ConditionalResNet(18, 64, normalize=False)),
        ("encoder_resnet50_32", lambda: ConditionalResNet(50, 32, normalize=False)),
        ("encoder_pointnet_128", lambda: BatchNormPointNetEncoder(128)),
    ],
)
def test_encoder(case, encoder, load):
    encoder = encoder().eval()
    inputs, outputs = load(case, encoder, ours="backbone.", theirs="encoder.")
    if "points" in inputs:
        x = torch.from_numpy(inputs["points"])
    else:
        x = as_views(inputs["image_u8"]).squeeze(1)
    with torch.no_grad():
        check(outputs, "latent", encoder(x))


@pytest.mark.parametrize(
    ("case", "head"),
    [
        (
            "foldnet_square",
            lambda: FoldNetHead(
                SQUARE(), code_features=128, hidden_features=64, num_points=400
            ),
        ),
        ("psgn", lambda: PSGNHead(128, hidden_features=64, num_points=300)),
    ],
)
def test_other_heads(case, head, load):
    model = single_view(head(), 128).eval()
    inputs, outputs = load(case, model)
    batch = {
        "images": as_views(inputs["image_u8"]),
        "surface_points": torch.from_numpy(inputs["points"]),
    }
    with torch.no_grad():
        check(outputs, "latent", model.code(batch))
        check(outputs, "eval_points", model.outputs(batch)["points"])
    model.train()
    result = model.outputs(batch)
    check(outputs, "train_points", result["points"], 1e-3, 1e-4)
    loss = model.losses["chamfer_loss"](result, batch)
    assert loss.item() == pytest.approx(float(outputs["loss"]), rel=1e-5)
    loss.backward()
    check_gradients(outputs, model)


def test_templates(golden, golden_dir):
    _, outputs = golden.load(golden_dir / "atlasnet" / "templates")
    for number in (16, 100, 150):
        points, faces = SQUARE().regular(number)
        check(outputs, f"square{number}.points", points.T[None], 0, 1e-6)
        np.testing.assert_array_equal(faces, outputs[f"square{number}.faces"])
    points, faces = SPHERE().regular(100)
    check(outputs, "sphere4.points", points.T[None], 0, 1e-6)
    np.testing.assert_array_equal(faces, outputs["sphere4.faces"])
    for subdivisions in (0, 1):
        points, faces = SPHERE(subdivisions).regular(100)
        check(outputs, f"sphere{subdivisions}.vertices", points, 0, 1e-6)
        np.testing.assert_array_equal(faces, outputs[f"sphere{subdivisions}.faces"])


def test_recorded_sizes():
    """Numbers of parameters that the specification states beside those above."""
    for count, backbone, head in (
        (26_667_075, ConditionalResNet(50, 1024, normalize=False), SPHERE),
        (3_307_267, BatchNormPointNetEncoder(), SPHERE),
        (13_286_470, ConditionalResNet(18, 1024), FoldNetHead(SQUARE())),
        (16_602_508, ConditionalResNet(18, 1024), PSGNHead()),
    ):
        head = head if isinstance(head, nn.Module) else AtlasNetHead(head())
        model = nn.ModuleList((backbone, head))
        assert sum(p.numel() for p in model.parameters()) == count
