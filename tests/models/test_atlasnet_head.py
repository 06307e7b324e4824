# SPDX-License-Identifier: Apache-2.0
"""Templates, the head that deforms them, and its loss."""

import numpy as np
import pytest
import torch
from torch import nn

from svr3d.errors import ConfigError
from svr3d.geometry.template_meshes import icosphere, square_mesh
from svr3d.models.heads import AtlasNetHead
from svr3d.models.layers.outer_sum_norm import normalized_sums
from svr3d.models.layers.patch_activations import ACTIVATIONS
from svr3d.models.layers.patch_linear import PatchLinear
from svr3d.models.losses import ChamferLoss
from svr3d.models.templates import ArrayTemplate, SphereTemplate, SquareTemplate
from svr3d.structures import Mesh, PointCloud

SMALL = dict(features=16, hidden_features=24, num_points=120, num_points_eval=120)


def make(patches=1, template=None, **arguments):
    template = SquareTemplate() if template is None else template
    return AtlasNetHead(template, num_patches=patches, **{**SMALL, **arguments})


def liven(module):
    """Give norms statistics and factors that matter."""
    for layer in module.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias)
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
    return module


def patch_of(head, index, **arguments):
    """Return a head of one patch with the weights of one of several."""
    single = make(**arguments)
    state = {}
    for name in single.state_dict():
        whole = head.state_dict()[name]
        state[name] = whole if whole.ndim == 0 else whole.chunk(head.num_patches)[index]
    single.load_state_dict(state)
    return single


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("activation", ["relu", "softsign"])
def test_patches_together_are_patches_one_by_one(activation, training):
    head = liven(make(3, activation=activation)).train(training)
    singles = [patch_of(head, i, activation=activation) for i in range(3)]
    code, points = torch.randn(4, 16), torch.rand(3, 40, 2)
    found = head.deform(points, code)
    for index, single in enumerate(singles):
        expected = single.train(training).deform(points[index : index + 1], code)
        part = found[:, 40 * index : 40 * (index + 1)]
        torch.testing.assert_close(part, expected, rtol=1e-4, atol=1e-4)
        for norms in zip(head.norms, single.norms, strict=True):
            whole, own = (norm.running_var for norm in norms)
            torch.testing.assert_close(whole.chunk(3)[index], own)


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_layers_are_those_of_the_method(activation, batch_norm):
    """One patch layer by layer, the code added before the first norm."""
    head = make(activation=activation, batch_norm=batch_norm, num_layers=1)
    head = liven(head).eval()
    code, points = torch.randn(3, 16), torch.rand(1, 20, 2)
    act = {"logsigmoid": nn.functional.logsigmoid, "softsign": nn.functional.softsign}
    act = act.get(activation) or getattr(torch.nn.functional, activation)
    norms = head.norms or [nn.Identity()] * 3

    def linear(layer, x):
        return torch.nn.functional.linear(x, layer.weight, layer.bias)

    x = linear(head.point_layer, points[0]) + code.unsqueeze(1)
    for index, norm in enumerate(norms):
        if index:
            x = linear(head.layers[index - 1], x)
        x = act(norm(x.flatten(0, 1)).view(x.shape))
    expected = linear(head.last_layer, x)
    torch.testing.assert_close(
        head.deform(points, code), expected, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("training", [True, False])
def test_norm_of_sums_needs_no_sums(training):
    torch.manual_seed(3)
    norms = [liven(nn.BatchNorm1d(6)).double().train(training) for _ in range(2)]
    norms[1].load_state_dict(norms[0].state_dict())
    inputs = [torch.randn(n, 6, dtype=torch.float64) for n in (7, 5)]
    weights = torch.randn(5, 7, 6, dtype=torch.float64)

    def plain(points, codes, norm):
        sums = points[None] + codes[:, None]
        return norm(sums.flatten(0, 1)).view(sums.shape)

    results = []
    for function, norm in zip((normalized_sums, plain), norms, strict=True):
        points, codes = (value.clone().requires_grad_() for value in inputs)
        value = function(points, codes, norm)
        (value * weights).square().sum().backward()
        gradients = points.grad, codes.grad, norm.weight.grad, norm.bias.grad
        results.append((value, *gradients, *norm.buffers()))
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected)


def test_layers_of_patches_agree_with_products():
    layer = PatchLinear(3, 20, 32)
    points = torch.randn(2, 5, 60)
    affine = torch.rand(96), torch.rand(96)
    expected = layer._product(
        points, layer.weight * affine[0][:, None], layer.bias * affine[0] + affine[1]
    )
    torch.testing.assert_close(layer(points, affine), expected, rtol=1e-4, atol=1e-5)


def test_training_draws_points_and_evaluation_does_not():
    head = make(4, SphereTemplate(1))
    code = torch.randn(2, 16)
    first, second = head(code)["points"], head(code)["points"]
    assert first.shape == (2, 120, 3) and not torch.equal(first, second)
    assert "faces" not in head(code)
    head.eval()
    outputs = head(code)
    assert outputs["points"].shape == (2, 4 * 42, 3)
    assert torch.equal(outputs["points"], head(code)["points"])
    drawn = make(4, SphereTemplate(1), eval_template="random").eval()
    cloud = drawn.to_structure(drawn(code))
    assert isinstance(cloud, PointCloud) and cloud.points.shape == (2, 120, 3)


def test_mesh_has_the_faces_of_all_patches_and_their_colours():
    head = make(3).eval()
    outputs = head(torch.randn(2, 16))
    mesh = head.to_structure(outputs)
    assert isinstance(mesh, Mesh) and len(mesh) == 2
    faces = square_mesh(6)[1]
    assert len(mesh.faces[0]) == 3 * len(faces) == 3 * 50
    for index, part in enumerate(mesh.faces[1].chunk(3)):
        assert np.array_equal(part.numpy() - 36 * index, faces)
    assert torch.equal(mesh.vertices[1], outputs["points"][1])
    colours = mesh.colors[0].view(3, 36, 3)
    assert (colours == colours[:, :1]).all() and len(colours[:, 0].unique(dim=0)) == 3
    whole = make(1).eval()
    assert whole.to_structure(whole(torch.randn(1, 16))).colors is None


def test_codes_of_other_lengths_and_grids():
    grid = torch.randn(2, 4, 2, 2, 2)
    flat = make(code_features=32)(grid)["points"]
    mean = make(code_features=4, code_reduction="mean")(grid)["points"]
    assert flat.shape == mean.shape == (2, 120, 3)
    with pytest.raises(ValueError, match="codes of 16 numbers, found 32"):
        make()(grid)


def test_half_precision_keeps_the_form():
    head = make(3).eval()
    code = torch.randn(2, 16)
    with torch.autocast("cpu", torch.bfloat16):
        found = head(code)["points"]
    torch.testing.assert_close(
        found.float(), head(code)["points"], rtol=0.05, atol=0.02
    )


def test_icosphere_is_projected_once():
    for subdivisions, count in ((0, 12), (1, 42), (2, 162)):
        vertices, faces = icosphere(subdivisions)
        assert vertices.shape == (count, 3) and faces.shape == (2 * count - 4, 3)
        np.testing.assert_allclose(np.linalg.norm(vertices, axis=1), 1)
        normals = np.cross(
            vertices[faces[:, 1]] - vertices[faces[:, 0]],
            vertices[faces[:, 2]] - vertices[faces[:, 0]],
        )
        assert ((normals * vertices[faces[:, 0]]).sum(1) > 0).all()
    # The middle of an edge's half: on the way there, not halfway along the arc.
    vertices, _ = icosphere(2)
    old = vertices[:12]
    quarters = (3 * old[:, None] + old[None]).reshape(-1, 3)
    quarters /= np.linalg.norm(quarters, axis=1, keepdims=True)
    distances = np.linalg.norm(vertices[42:, None] - quarters[None], axis=2).min(1)
    assert (distances < 1e-9).sum() == 60


def test_templates_and_their_limits(tmp_path):
    points, faces = SquareTemplate().regular(166)
    assert points.shape == (144, 2) and faces.shape == (2 * 11**2, 3)
    drawn = SphereTemplate().random_points(2, 50)
    torch.testing.assert_close(drawn.norm(dim=2), torch.ones(2, 50))
    assert SphereTemplate().regular(10)[0].shape == (2562, 3)
    np.save(tmp_path / "points.npy", np.random.rand(9, 3))
    template = ArrayTemplate(str(tmp_path / "points.npy"))
    assert template.random_points(2, 9).shape == (2, 9, 3)
    assert template.regular(9)[1] is None
    with pytest.raises(ValueError, match="expected 9"):
        template.regular(10)
    with pytest.raises(ConfigError, match=r"other\.npy, found none"):
        ArrayTemplate(str(tmp_path / "other.npy"))
    np.save(tmp_path / "flat.npy", np.zeros(9))
    with pytest.raises(ConfigError, match=r"found shape \(9,\)"):
        ArrayTemplate(str(tmp_path / "flat.npy"))
    with pytest.raises(ValueError, match="at least 4 points, found 3"):
        SquareTemplate().regular(3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(activation="gelu"), "found 'gelu'"),
        (dict(eval_template="grid"), "found 'grid'"),
        (dict(patches=200), "num_patches=200"),
        (dict(code_reduction="max"), "found 'max'"),
    ],
)
def test_wrong_options_are_named(arguments, message):
    with pytest.raises(ValueError, match=f"AtlasNetHead: .*{message}"):
        make(**arguments)


def test_chamfer_loss_in_closed_form():
    points = torch.tensor([[[0.0, 0, 0], [1, 0, 0]]])
    target = torch.tensor([[[0.0, 0, 2], [1, 0, 0], [1, 0, 1]]])
    loss = ChamferLoss(weight=2.0)
    value = loss({"points": points}, {"surface_points": target})
    assert value.item() == pytest.approx(2 * (1 / 2 + (4 + 0 + 1) / 3))
    with pytest.raises(ValueError, match="'surface_points' in the batch, found 'x'"):
        loss({"points": points}, {"x": target})
    with pytest.raises(ValueError, match="'points' in the outputs, found nothing"):
        loss({}, {"surface_points": target})
