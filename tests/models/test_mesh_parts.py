# SPDX-License-Identifier: Apache-2.0
"""The mesh generator, its encoder, and losses on meshes and their silhouettes."""

import pickle

import pytest
import torch

from svr3d.geometry.mesh_edges import mesh_edges
from svr3d.geometry.mirror_halves import mirror_halves
from svr3d.models import losses
from svr3d.models.backbones import StridedConvEncoder
from svr3d.models.heads import MeshGenerator
from svr3d.models.losses.mesh_flattening import bend_cosines
from svr3d.renderers import MeshViews, NeuralMeshRenderer, SoftMeshRenderer
from svr3d.structures import Mesh

SMALL = {"hidden_features": (8, 16), "subdivisions": 1}


def test_vertices_are_offsets_of_a_sphere():
    head = MeshGenerator(6, **SMALL)
    outputs = head(torch.randn(3, 6))
    assert outputs["vertices"].shape == (3, 42, 3)
    assert set(head.state_dict()) == {
        f"{layer}.{kind}"
        for layer in ("layers.0", "layers.1", "last_layer")
        for kind in ("weight", "bias")
    }
    torch.nn.init.zeros_(head.last_layer.weight)
    torch.nn.init.zeros_(head.last_layer.bias)
    sphere = head(torch.randn(1, 6))["vertices"][0]
    torch.testing.assert_close(sphere.norm(dim=1), torch.full((42,), 0.5))
    corners = sphere[head.faces]
    a, b, c = corners.unbind(1)
    outwards = torch.linalg.cross(b - a, c - a) * corners.mean(1)
    assert (outwards.sum(1) > 0).all()
    structure = head.to_structure(outputs)
    assert isinstance(structure, Mesh) and len(structure) == 3


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_symmetric_shapes(axis):
    head = MeshGenerator(6, mirror_axis=axis, **SMALL)
    vertices = head(torch.randn(2, 6))["vertices"]
    number = "xyz".index(axis)
    plane, positive, image = mirror_halves(head.template, number)
    assert len(plane) + 2 * len(positive) == 42
    assert head.last_layer.out_features == 2 * len(plane) + 3 * len(positive)
    assert (vertices[:, plane, number] == 0).all()
    mirrored = vertices[:, image].clone()
    mirrored[..., number] *= -1
    # The sphere itself is symmetric but for rounding.
    torch.testing.assert_close(mirrored, vertices[:, positive], atol=1e-6, rtol=0)
    assert vertices[0, :, number].std() > 0.1
    # Every output counts.
    vertices.square().sum().backward()
    assert (head.last_layer.bias.grad != 0).all()


def test_bad_arguments_of_networks():
    with pytest.raises(
        ValueError, match="mirror_axis None, 'x', 'y' or 'z', found 'w'"
    ):
        MeshGenerator(mirror_axis="w", subdivisions=0)
    with pytest.raises(ValueError, match="codes of 6 numbers .* found 5"):
        MeshGenerator(6, **SMALL)(torch.zeros(1, 5))
    encoder = StridedConvEncoder(4, widths=(4, 8), hidden_features=(8,), image_size=16)
    assert encoder(torch.zeros(2, 4, 16, 16)).shape == (2, 4)
    with pytest.raises(ValueError, match=r"expected images of shape \(4, 16, 16\)"):
        encoder(torch.zeros(2, 3, 16, 16))
    with pytest.raises(ValueError, match="odd kernel_size"):
        StridedConvEncoder(kernel_size=4, image_size=8)


def test_edges_of_an_open_mesh():
    # Two triangles with a common edge, and one more that shares only a vertex.
    faces = torch.tensor([[0, 1, 2], [2, 1, 3], [3, 4, 5]])
    found = mesh_edges(faces)
    assert found.edges.tolist() == [
        *([0, 1], [0, 2], [1, 2], [1, 3], [2, 3]),
        *([3, 4], [3, 5], [4, 5]),
    ]
    assert found.edges[found.inner].tolist() == [[1, 2]]
    assert sorted(found.opposite[0].tolist()) == [0, 3]
    with pytest.raises(ValueError, match=r"faces: expected shape \(F, 3\)"):
        mesh_edges(faces[None])


def test_bends():
    """A fold by 90 degrees has cosine 0, a flat edge -1."""
    points = torch.tensor([[0, 0, 0], [0, 0, 1.0], [1, 0, 0.5], [0, 1, 0.5]])
    cosine = bend_cosines(points[:, None])
    torch.testing.assert_close(cosine, torch.zeros(1), atol=1e-5, rtol=0)
    points[3] = torch.tensor([-1, 0, 0.5])
    cosine = bend_cosines(points[:, None])
    torch.testing.assert_close(cosine, -torch.ones(1), atol=1e-4, rtol=0)
    outputs = {"vertices": points[None], "faces": torch.tensor([[0, 1, 2], [1, 0, 3]])}
    assert losses.MeshFlattening()(outputs, {}) < 1e-6


def test_kept_edges_follow_the_faces():
    part = losses.MeshFlattening()
    head, other = (
        MeshGenerator(6, **SMALL),
        MeshGenerator(6, hidden_features=(8,), subdivisions=0),
    )
    code = torch.randn(2, 6)
    values = [part(h(code), {}) for h in (head, other, head)]
    torch.testing.assert_close(values[0], values[2])
    assert values[1] != values[0]
    assert part(pickle.loads(pickle.dumps(head))(code), {}) == values[0]
    outputs = head(code)
    outputs["faces"] = outputs["faces"].clone()
    part(outputs, {})
    outputs["faces"][:40] = outputs["faces"][40:]
    changed = part(outputs, {})
    assert changed == losses.MeshFlattening()(outputs, {}) != values[0]


def test_empty_silhouettes_have_no_loss():
    found = torch.zeros(2, 1, 4, 4, requires_grad=True)
    masks = torch.zeros(2, 1, 4, 4)
    masks[1, 0, 1] = 1
    value = losses.SilhouetteIoU()({"silhouettes": found}, {"masks": masks})
    assert value == 0.5
    value.backward()
    assert found.grad.isfinite().all() and (found.grad[0] == 0).all()
    assert (found.grad[1, 0, 1] < 0).all()


@pytest.mark.parametrize("kind", ["SilhouetteIoU", "MultiScaleSilhouette"])
def test_larger_masks_are_reduced(kind):
    part = getattr(losses, kind)()
    masks = (torch.rand(2, 3, 64, 64) > 0.5).float()
    small = masks[..., ::2, ::2]
    outputs = {"silhouettes": small.clone()}
    assert part(outputs, {"masks": masks}) < 1e-6
    assert part(outputs, {"masks": masks[:, :, None]}) < 1e-6
    outputs = {"silhouettes": 1 - small}
    assert part(outputs, {"masks": masks}) > 0.1
    with pytest.raises(ValueError, match="expected 'masks' of shape"):
        part(outputs, {"masks": masks[:1]})
    with pytest.raises(ValueError, match="expected 'silhouettes' in the outputs"):
        part({}, {"masks": masks})


def test_coarse_scales_reach_what_does_not_touch():
    far, near = torch.zeros(2, 1, 1, 32, 32).unbind(0)
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 2:6, 2:6], far[..., 26:30, 26:30], near[..., 7:11, 7:11] = 1, 1, 1
    part = losses.MultiScaleSilhouette()
    values = [part({"silhouettes": s}, {"masks": mask}) for s in (near, far)]
    assert values[0] < values[1]
    with pytest.raises(ValueError, match="at least 64 pixels for 7 levels"):
        losses.MultiScaleSilhouette(levels=7)({"silhouettes": far}, {"masks": mask})


def test_code_prior_and_weights():
    codes = torch.tensor([[3.0, 4.0], [0.0, 1.0]])
    assert losses.CodePrior(weight=2.0)({"codes": codes}, {}) == 26.0
    head = MeshGenerator(6, **SMALL)
    outputs = head(torch.randn(2, 6))
    names = ("MeshFlattening", "MeshLaplacian", "MeshEdgeLength", "MeshInflation")
    for name in names:
        part = getattr(losses, name)
        assert part(3.0)(outputs, {}).item() == pytest.approx(
            3 * part()(outputs, {}).item()
        )
        with pytest.raises(ValueError, match="expected 'vertices' in the outputs"):
            part()({"points": codes}, {})
        with pytest.raises(ValueError, match=r"'faces' of shape \(F, 3\), found"):
            part()(outputs | {"faces": head.faces[None]}, {})


def test_inflation_pushes_outwards():
    head = MeshGenerator(6, **SMALL)
    vertices = head.template[None].clone().requires_grad_()
    outputs = {"vertices": vertices, "faces": head.faces}
    value = losses.MeshInflation()(outputs, {})
    assert value.item() == pytest.approx(3 * len(head.faces), rel=1e-4)
    value.backward()
    assert ((-vertices.grad[0] * head.template).sum(1) > 4).all()


@pytest.mark.parametrize("kind", [NeuralMeshRenderer, SoftMeshRenderer])
def test_a_sphere_finds_a_silhouette(kind):
    """Descent over vertices widens a sphere to an upright ellipse's silhouette."""
    head, renderer = MeshGenerator(6, **SMALL), kind(32)
    views = MeshViews(torch.tensor([[[30.0, 0.0, 2.732]]]))
    y, x = torch.meshgrid(*[torch.linspace(-1, 1, 32)] * 2, indexing="ij")
    masks = ((x / 0.35).square() + (y / 0.8).square() < 1).float()[None, None]
    vertices = (0.3 * head.template[None]).clone().requires_grad_()
    optimizer = torch.optim.Adam([vertices], 0.02)
    terms = losses.SilhouetteIoU(), losses.MeshFlattening(0.001)
    values = []
    for _ in range(30):
        drawn = renderer(vertices, head.faces, views)
        outputs = {"silhouettes": drawn, "vertices": vertices, "faces": head.faces}
        first, second = (part(outputs, {"masks": masks}) for part in terms)
        values.append(first.item())
        optimizer.zero_grad()
        (first + second).backward()
        optimizer.step()
    assert values[0] > 0.4 and values[-1] < 0.12
