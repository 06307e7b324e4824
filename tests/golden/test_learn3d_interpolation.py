# SPDX-License-Identifier: Apache-2.0
"""learn3D's modes ``reconstruct`` and ``interpolation`` against recorded runs."""

import numpy as np
import pytest
import torch
from learn3d_cases import load_parts, near

from svr3d.analysis.interpolation import code_path
from svr3d.models.backbones import StridedConvEncoder
from svr3d.models.heads import MeshGenerator
from svr3d.models.reconstructors import SilhouetteMeshes
from svr3d.renderers import MeshViews, NeuralMeshRenderer
from svr3d.renderers.mesh_renderer import to_renderer_world


@pytest.fixture(scope="module")
def case(golden, golden_dir):
    folder = golden_dir / "learn3d" / "interpolation"
    given, expected = golden.load(folder)
    model = SilhouetteMeshes(
        StridedConvEncoder(64),
        MeshGenerator(64, subdivisions=1),
        NeuralMeshRenderer(64),
        losses={},
        inputs=("images", "masks"),
    ).eval()
    load_parts(
        golden.state_dict(folder),
        "",
        given["vertices_base"],
        backbone=model.backbone,
        head=model.head,
    )
    return model, given, expected


def code(model, given, name):
    """The code of a picture with alpha, whose fourth channel is the mask."""
    planes = torch.from_numpy(given[name]).permute(2, 0, 1)[None, None]
    return model.code({"images": planes[:, :, :3], "masks": planes[:, :, 3]})


def in_program_order(model, given, vertices):
    """Vertices of the program's world, in the order of its template."""
    template = to_renderer_world(model.head.template)
    theirs = torch.from_numpy(given["vertices_base"])
    return to_renderer_world(vertices)[torch.cdist(theirs, template).argmin(1)]


@torch.no_grad()
def test_shapes_between_two_pictures(case):
    model, given, expected = case
    stops = torch.cat([code(model, given, f"image{n}") for n in (0, 1)])
    meshes = model.decode(code_path(stops, 5))
    assert len(meshes) == 6
    for vertices, wanted in zip(
        meshes.vertices, expected["interpolation.vertices"], strict=True
    ):
        near(in_program_order(model, given, vertices), wanted, 1e-4)


@torch.no_grad()
def test_a_reconstruction_from_around_it(case):
    model, given, expected = case
    mesh = model.decode(code(model, given, "image0"))
    found = in_program_order(model, given, mesh.vertices[0])
    near(found, expected["reconstruct.vertices"], 1e-4)
    azimuths = -15.0 * torch.arange(24)
    angles = torch.tensor([0.0, 30.0, 2.732]).repeat(24, 1)
    angles[:, 0] = azimuths
    faces = mesh.faces[0]
    images = model.renderer.render_colors(
        mesh.vertices[0][None],
        faces,
        torch.ones(1, len(faces), 2, 2, 2, 3),
        MeshViews(angles[None]),
    )[0].numpy()
    step = -(-images.size // 8000)
    differences = np.abs(images.ravel()[::step] - expected["reconstruct.rgb.sub"])
    assert (differences > 1e-3).mean() <= 0.005
    sums = np.array([images.sum(dtype=np.float64), np.square(images).sum(dtype=float)])
    np.testing.assert_allclose(sums, expected["reconstruct.rgb.stats"], rtol=1e-3)
