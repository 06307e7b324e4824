# SPDX-License-Identifier: Apache-2.0
"""Meshes of fields: spheres in closed form, batches, simplification, refinement."""

import math
import sys

import pytest
import torch

from svr3d.errors import SVR3DError
from svr3d.structures import ExtractionSettings, OccupancyField, refine_surface
from svr3d.structures.mesh_extraction import evaluate_ragged, threshold_logit


def sphere_logits(codes, points):
    """Codes (B, 4): centre and radius."""
    distance = (points - codes[:, None, :3]).norm(dim=2)
    return 40 * (codes[:, None, 3] - distance)


def spheres(*codes, **settings):
    return OccupancyField(
        torch.tensor(codes),
        lambda codes, points: torch.sigmoid(sphere_logits(codes, points)),
        decode_logits=sphere_logits,
        threshold=0.5,
        extraction=ExtractionSettings(**settings),
    )


def volume(mesh):
    a, b, c = mesh.triangles.double().unbind(1)
    return float((a * torch.linalg.cross(b, c)).sum() / 6)


def edge_uses(faces):
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    return edges.sort(1).values.unique(dim=0, return_counts=True)[1]


def test_batch_has_the_spheres_of_its_codes_one_by_one():
    field = spheres(
        (0.0, 0.0, 0.0, 0.4), (0.1, 0.0, -0.1, 0.2), (9.0, 0.0, 0.0, 0.1), resolution=16
    )
    meshes = field.to_mesh()
    for index, (radius, centre) in enumerate([(0.4, (0, 0, 0)), (0.2, (0.1, 0, -0.1))]):
        mesh = meshes[index]
        distance = (mesh.vertices[0] - torch.tensor(centre)).norm(dim=1)
        assert (distance - radius).abs().max() < 1e-3
        assert volume(mesh) == pytest.approx(4 / 3 * math.pi * radius**3, rel=0.01)
        assert (edge_uses(mesh.faces[0]) == 2).all()
        alone = field[index].to_mesh()
        torch.testing.assert_close(alone.vertices[0], mesh.vertices[0])
        assert torch.equal(alone.faces[0], mesh.faces[0])
    assert len(meshes.faces[2]) == len(meshes.vertices[2]) == 0


def test_other_threshold_moves_the_surface_as_the_logits_say():
    mesh = spheres((0.0, 0.0, 0.0, 0.3), resolution=16).to_mesh(0.2)
    expected = 0.3 - threshold_logit(0.2) / 40
    assert mesh.vertices[0].norm(dim=1).mean() == pytest.approx(expected, abs=1e-4)


def test_few_points_give_the_surface_of_the_full_grid():
    asked = []
    field = spheres((0.0, 0.0, 0.0, 0.33), resolution=16)

    def counting(codes, points):
        asked.append(points.shape[0] * points.shape[1])
        return sphere_logits(codes, points)

    field.decode_logits = counting
    refined = field.to_mesh()
    few, asked = sum(asked), []
    full = field.to_mesh(resolution=65)
    assert few < 0.3 * sum(asked) and sum(asked) == 65**3
    assert len(refined.faces[0]) == len(full.faces[0])
    assert volume(refined) == pytest.approx(volume(full), rel=1e-5)


def test_surface_is_closed_where_the_object_leaves_the_box():
    mesh = spheres((0.0, 0.0, 0.0, 5.0), resolution=8).to_mesh()
    assert volume(mesh) == pytest.approx(1.1**3, rel=1e-4)
    assert (edge_uses(mesh.faces[0]) == 2).all()


def test_without_logits_the_surface_is_nearly_the_same():
    field = spheres((0.0, 0.0, 0.0, 0.3), resolution=16)
    field.decode_logits = None
    assert (field.to_mesh().vertices[0].norm(dim=1) - 0.3).abs().max() < 1e-3


def test_ragged_points_are_never_padded_and_keep_their_chunk():
    points = [torch.rand(size, 3) for size in (7, 0, 3, 7)]
    asked = []

    def evaluate(members, part):
        asked.append(part.shape[:2])
        return part.sum(2) + torch.tensor([float(m) for m in members])[:, None]

    values = evaluate_ragged(evaluate, points, 4)
    for index, part in enumerate(points):
        torch.testing.assert_close(values[index], part.sum(1) + index)
    assert sum(objects * count for objects, count in asked) == 17
    assert all(objects * count <= 4 for objects, count in asked)


def test_normals_point_outward_and_leave_no_gradients():
    scale = torch.nn.Parameter(torch.tensor(40.0))
    field = spheres((0.0, 0.0, 0.0, 0.3), resolution=16)
    field.decode_logits = lambda c, p: scale * (c[:, None, 3] - p.norm(dim=2))
    field.chunk_size = 7
    points = torch.randn(1, 30, 3)
    with torch.no_grad():
        normals = field.normals(points)
    expected = torch.nn.functional.normalize(points, dim=2)
    torch.testing.assert_close(normals, expected)
    assert scale.grad is None and not normals.requires_grad


def test_refinement_pulls_a_displaced_sphere_back():
    field = spheres((0.0, 0.0, 0.0, 0.3), resolution=8, upsampling_steps=1)
    mesh = field.to_mesh()
    faces, away = mesh.faces[0], mesh.vertices[0] * 1.03

    def error(vertices):
        return float((vertices[faces].mean(1).norm(dim=1) - 0.3).abs().mean())

    errors = {}
    for chunk in (200, 10_000):
        settings = {"threshold": 0.5, "steps": 30, "chunk_size": chunk}
        errors[chunk] = error(refine_surface(field.logits, away, faces, **settings))
    assert errors[10_000] < 0.3 * error(away)
    assert errors[200] == pytest.approx(errors[10_000], rel=0.05)


def test_settings_refine_and_simplify():
    pytest.importorskip("fast_simplification")
    field = spheres(
        (0.0, 0.0, 0.0, 0.3), resolution=16, simplify_faces=400, refinement_steps=5
    )
    mesh = field.to_mesh()
    assert 300 < len(mesh.faces[0]) <= 400
    assert (edge_uses(mesh.faces[0]) == 2).all()
    assert volume(mesh) == pytest.approx(4 / 3 * math.pi * 0.3**3, rel=0.03)


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "fast_simplification", None)
    field = spheres((0.0, 0.0, 0.0, 0.3), resolution=8, simplify_faces=50)
    with pytest.raises(SVR3DError, match=r"pip install 'svr3d\[simplification\]'"):
        field.to_mesh()


@pytest.mark.parametrize(
    "wrong",
    [
        {"resolution": 1},
        {"upsampling_steps": -1},
        {"refinement_steps": -1},
        {"simplify_faces": 3},
        {"padding": -0.1},
    ],
)
def test_wrong_settings_are_named(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}: expected"):
        ExtractionSettings(**wrong)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_threshold_must_lie_between_0_and_1(threshold):
    with pytest.raises(ValueError, match="threshold must lie between 0 and 1"):
        spheres((0.0, 0.0, 0.0, 0.3)).to_mesh(threshold)
