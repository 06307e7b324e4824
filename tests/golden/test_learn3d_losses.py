# SPDX-License-Identifier: Apache-2.0
"""Losses and views of learn3D's meshes against recorded runs."""

import numpy as np
import pytest
import torch
from learn3d_cases import near

from svr3d.geometry.mesh_edges import mesh_edges, neighbor_table
from svr3d.models.losses import (
    MeshEdgeLength,
    MeshFlattening,
    MeshInflation,
    MeshLaplacian,
    SilhouetteIoU,
)
from svr3d.models.losses.silhouette_iou import silhouette_iou
from svr3d.renderers import MeshViews, NeuralMeshRenderer
from svr3d.renderers.mesh_renderer import to_renderer_world


@pytest.fixture(scope="module")
def case(golden, golden_dir):
    given, expected = golden.load(golden_dir / "learn3d" / "losses")
    return {k: torch.from_numpy(v) for k, v in given.items()}, expected


MESH_LOSSES = {
    "smoothness": MeshFlattening,
    "laplacian": MeshLaplacian,
    "edge": MeshEdgeLength,
    "inflation": MeshInflation,
}


@pytest.mark.parametrize("name", MESH_LOSSES)
def test_mesh_losses(case, name):
    given, expected = case
    vertices = given["vertices"].clone().requires_grad_()
    outputs = {"vertices": vertices, "faces": given["faces"].long()}
    value = MESH_LOSSES[name]()(outputs, {})
    near(value, expected[name], 1e-4)
    value.backward()
    near(vertices.grad, expected[f"grad.{name}"], 1e-3)


def test_silhouette_iou(case):
    given, expected = case
    found = given["prediction"].clone().requires_grad_()
    value = SilhouetteIoU()({"silhouettes": found}, {"masks": given["target"]})
    near(value, expected["iou_loss"], 1e-4)
    value.backward()
    near(found.grad, expected["grad.iou_loss"], 1e-3)
    each = silhouette_iou(given["prediction"], given["target"])[:, 0]
    weighted = 1 - (given["p"] * each).sum() / (len(each) / 24)
    near(weighted, expected["iou_loss_p"], 1e-4)


def test_edges(case):
    given, expected = case
    found = mesh_edges(given["faces"])
    np.testing.assert_array_equal(found.edges, expected["edges"])
    corners = torch.cat(
        [found.edges[found.inner], found.opposite.sort(1).values], dim=1
    )
    np.testing.assert_array_equal(corners.T, expected["smoothness_edges"])
    degree = neighbor_table(found.edges, len(expected["degree"]))[1]
    np.testing.assert_array_equal(degree, expected["degree"])


VIEWS = {
    "CVPR18": {"half_angle": 15.0},
    "NIPS17": {"half_angle": 14.9314},
    "Pascal3D": {"camera": "orthographic"},
}


@pytest.mark.parametrize("name", VIEWS)
def test_views(golden, golden_dir, name):
    given, expected = golden.load(golden_dir / "learn3d" / "renderer_views")
    given = {k: torch.from_numpy(v) for k, v in given.items()}
    vertices = given["vertices"].clone().requires_grad_()
    angles = [given[key] for key in ("azimuth", "elevation", "distance")]
    views = MeshViews(torch.stack(angles, dim=-1)[:, None], given["rotation"][:, None])
    renderer = NeuralMeshRenderer(32, **VIEWS[name])
    drawn = renderer(to_renderer_world(vertices), given["faces"], views)
    close_images(drawn, expected[f"silhouettes.{name}"])
    (drawn * given["grad_image"]).sum().backward()
    near(vertices.grad, expected[f"grad_vertices.{name}"], 1e-2)


def close_images(found, expected):
    """Equal but for 0.1 % of the pixels, where an edge passes a sample."""
    wrong = np.abs(found.detach().numpy() - expected) > 1e-4 * max(1, expected.max())
    assert wrong.mean() <= 1e-3


def test_depth_and_colours_of_a_scene(golden, golden_dir):
    """The recorded scene's faces are the other way round in the object frame."""
    given, expected = golden.load(golden_dir / "nmr" / "mesh_lookat")
    given = {k: torch.from_numpy(v) for k, v in given.items()}
    vertices = given["vertices"].clone().requires_grad_()
    angles = torch.stack(
        torch.broadcast_tensors(
            *(given[k] for k in ("azimuth", "elevation", "distance"))
        ),
        dim=-1,
    )
    views, faces = MeshViews(angles[:, None]), given["faces"].flip(1)
    renderer = NeuralMeshRenderer(32)
    ours = to_renderer_world(vertices)
    depth = renderer.render_depth(ours, faces, views)[:, 0]
    close_images(depth, expected["depth"])
    (depth * given["grad_image"]).sum().backward()
    near(vertices.grad, expected["grad_vertices.depth"], 1e-2)
    vertices.grad = None
    cubes = torch.ones(len(vertices), len(faces), 2, 2, 2, 3)
    ours = to_renderer_world(vertices)
    rgb = renderer.render_colors(ours, faces, cubes, views)[:, 0]
    close_images(rgb, expected["rgb"])
    (rgb * given["grad_rgb"]).sum().backward()
    near(vertices.grad, expected["grad_vertices.rgb"], 1e-2)
