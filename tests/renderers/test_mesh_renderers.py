# SPDX-License-Identifier: Apache-2.0
"""Renderers of meshes as parts: frames, views, colours, composition."""

import pytest
import torch
from mmengine.registry import MODELS

from svr3d.geometry.template_meshes import icosphere
from svr3d.renderers import MeshViews, NeuralMeshRenderer, SoftMeshRenderer

KINDS = (NeuralMeshRenderer, SoftMeshRenderer)


@pytest.fixture
def arrow():
    """A mesh without symmetry: a ball drawn out along +x, smaller along +z."""
    vertices, faces = icosphere(2)
    points = 0.25 * torch.tensor(vertices, dtype=torch.float32)
    points[:, 0] += 0.25 * (points[:, 0] > 0.15)
    points[:, 2] += 0.15 * (points[:, 2] > 0.15)
    return points, torch.tensor(faces)


def angles(*azimuths, elevation=0.0):
    rows = [[azimuth, elevation, 2.732] for azimuth in azimuths]
    return MeshViews(torch.tensor([rows]))


@pytest.mark.parametrize("kind", KINDS)
def test_where_the_object_frame_lies_in_the_image(arrow, kind):
    """From +z, which is -z of the renderer's world, +x is on the right."""
    points, faces = arrow
    renderer = kind(32)
    front, side, back = renderer(points[None], faces, angles(0.0, 90.0, 180.0))[0]
    columns = torch.arange(32.0)

    def middle(image):
        return (image.sum(0) * columns).sum() / image.sum()

    assert middle(front) > 17 and middle(back) < 14
    # From +x, +z is on the left.
    assert middle(side) < 15
    above = renderer(points[None], faces, angles(0.0, elevation=89.0))[0, 0]
    rows = (above.sum(1) * columns).sum() / above.sum()
    assert rows > 16  # +z, nearer to a camera that stands there, is below.


@pytest.mark.parametrize("kind", KINDS)
def test_views_are_those_of_each_mesh(arrow, kind):
    points, faces = arrow
    meshes = torch.stack([points, 0.6 * points])
    given = torch.tensor([[[0.0, 20, 2.732], [50, 20, 2.5]], [[90, 0, 3], [9, 9, 3]]])
    renderer = kind(16)
    views = MeshViews(given)
    drawn = renderer(meshes, faces, views)
    assert drawn.shape == (2, 2, 16, 16)
    own_faces = torch.stack([faces, faces.roll(1, 1)])
    torch.testing.assert_close(renderer(meshes, own_faces, views), drawn)
    for mesh in range(2):
        for view in range(2):
            single = MeshViews(given[mesh : mesh + 1, view : view + 1])
            alone = renderer(meshes[mesh : mesh + 1], faces, single)[0, 0]
            torch.testing.assert_close(alone, drawn[mesh, view])
    second = renderer(meshes, faces, views.select(slice(1, 2)))
    torch.testing.assert_close(second, drawn[:, 1:])
    swapped = renderer(meshes, faces, views.replace(angles=given.flip(1)))
    torch.testing.assert_close(swapped, drawn.flip(1))


def test_orthographic_camera(arrow):
    points, faces = arrow
    views = MeshViews(rotations=torch.eye(3).expand(1, 1, 3, 3))
    image = NeuralMeshRenderer(32, camera="orthographic").project(points[None], views)
    expected = points * torch.tensor([-1.0, 1.0, -1.0])
    torch.testing.assert_close(image[0, :, :2], expected[:, :2])
    torch.testing.assert_close(image[0, :, 2], 1 - points[:, 2], atol=1e-4, rtol=0)


def test_colours_meet_their_faces(arrow):
    points, faces = arrow
    # Red where a face looks towards +x, green towards -x, as seen from above.
    centre = points[faces].mean(1)
    cubes = torch.zeros(1, len(faces), 2, 2, 2, 3)
    cubes[0, centre[:, 0] > 0, ..., 0] = 1.0
    cubes[0, centre[:, 0] <= 0, ..., 1] = 1.0
    cubes.requires_grad_()
    renderer = NeuralMeshRenderer(32)
    view = angles(0.0, elevation=60.0)
    plain = {"ambient": 1.0, "directional": 0.0}
    draw = renderer.render_colors
    image = draw(points[None], faces, cubes, view, light=plain)[0, 0]
    assert image[0, :, 18:].sum() > 50 and image[0, :, :14].sum() == 0
    assert image[1, :, :14].sum() > 20 and image[1, :, 18:].sum() == 0
    image.sum().backward()
    assert cubes.grad.abs().sum() > 0
    lamps = {"ambient": 0.0, "directional": 1.0}
    lit, unlit = (
        draw(points[None], faces, cubes.detach(), view, light=lamps | {"direction": to})
        for to in ((0, 1, 0), (0, -1, 0))
    )
    assert lit.sum() > 5 * unlit.sum()
    front, behind = (
        draw(
            points[None],
            faces,
            cubes.detach(),
            angles(0),
            light=lamps | {"direction": d},
        )
        for d in ((0, 0, 1), (0, 0, -1))
    )
    assert front.sum() > 50 and behind.sum() == 0
    white = draw(points[None], faces, cubes, view, background=(1.0, 1.0, 1.0))
    assert white[0, 0, :, 0, 0].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_is_projected_in_float32(arrow, kind):
    points, faces = arrow
    renderer, views = kind(32), angles(30.0, elevation=30.0)
    expected = renderer(points[None].bfloat16().float(), faces, views)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = renderer(points[None].bfloat16(), faces, views)
    torch.testing.assert_close(found, expected)


def test_renderers_are_registered():
    for kind in KINDS:
        part = MODELS.build({"type": kind.__name__, "image_size": 8})
        assert part.image_size == 8


def test_bad_arguments(arrow):
    points, faces = arrow
    with pytest.raises(ValueError, match="camera: expected one of"):
        NeuralMeshRenderer(camera="fisheye")
    with pytest.raises(ValueError, match="half_angle: expected between 0 and 90"):
        SoftMeshRenderer(half_angle=90)
    with pytest.raises(
        ValueError, match="'view_angles' or 'rotations', found 'images'"
    ):
        MeshViews.from_batch({"images": points})
    with pytest.raises(ValueError, match=r"angles: expected shape \(B, V, 3\)"):
        MeshViews(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="same views"):
        MeshViews(torch.zeros(2, 1, 3), torch.zeros(2, 2, 3, 3))
    renderer = NeuralMeshRenderer(8, camera="orthographic")
    with pytest.raises(ValueError, match="expected views with rotations"):
        renderer(points[None], faces, angles(0.0))
    with pytest.raises(ValueError, match="those of 2 meshes, found 1"):
        NeuralMeshRenderer(8)(points.expand(2, -1, -1), faces, angles(0.0))
    with pytest.raises(ValueError, match=r"textures: expected shape \(1, 320"):
        cubes = torch.ones(1, 5, 2, 2, 2, 3)
        NeuralMeshRenderer(8).render_colors(points[None], faces, cubes, angles(0.0))
