# SPDX-License-Identifier: Apache-2.0
import math

import numpy as np
import pytest
import torch

from svr3d.structures import (
    Mesh,
    OccupancyField,
    PointCloud,
    Voxels,
    cell_centres,
    r2n2_cube_mesh,
    r2n2_obj_text,
)


def ball(resolution, radius=0.35, softness=0.02):
    """Probability that falls from 1 to 0 across a sphere; 0.5 on it."""
    distance = cell_centres(resolution).norm(dim=-1)
    return torch.sigmoid((radius - distance) / softness)


def volume(mesh):
    """Signed volume; positive when faces look outward."""
    a, b, c = mesh.triangles.double().unbind(1)
    return float((a * torch.linalg.cross(b, c)).sum() / 6)


def iou(left, right):
    return float((left & right).sum() / (left | right).sum())


def test_batches_are_sized_indexed_and_iterated():
    voxels = Voxels(torch.rand(3, 4, 4, 4))
    assert len(voxels) == 3
    assert [len(sample) for sample in voxels] == [1, 1, 1]
    assert torch.equal(voxels[-1].grid, voxels.probabilities[2])
    assert torch.equal(voxels[1:].probabilities, voxels.probabilities[1:])
    assert torch.equal(Voxels.cat(list(voxels)).probabilities, voxels.probabilities)
    with pytest.raises(IndexError, match="sample 3 of a batch of 3"):
        voxels[3]
    with pytest.raises(ValueError, match="one sample, found 3"):
        _ = voxels.grid
    points = PointCloud([torch.zeros(2, 3), torch.ones(5, 3)])
    assert [len(sample.points[0]) for sample in points.cpu()] == [2, 5]
    mesh = voxels.to_mesh(0.5)
    assert len(mesh.cpu()) == 3
    assert torch.equal(mesh[1].vertices[0], mesh.vertices[1])
    field = OccupancyField(torch.rand(3, 1), lambda c, p: c.expand(-1, p.shape[1]))
    assert torch.equal(field[2](torch.zeros(4, 3)), field.codes[2].expand(1, 4))


@pytest.mark.parametrize("shape", [(4, 4, 4), (1, 4, 4, 5), (1, 1, 4, 4, 4)])
def test_voxels_refuse_other_shapes(shape):
    with pytest.raises(ValueError, match=r"\(B, R, R, R\)"):
        Voxels(torch.zeros(shape))


def test_smooth_surface_of_a_ball_has_its_radius_and_volume():
    mesh = Voxels(ball(48)[None]).to_mesh(0.5)
    radii = mesh.vertices[0].norm(dim=1)
    assert radii.min() > 0.345 and radii.max() < 0.355
    assert volume(mesh) == pytest.approx(4 / 3 * math.pi * 0.35**3, rel=0.01)
    normals = mesh.vertex_normals()[0]
    outward = torch.nn.functional.normalize(mesh.vertices[0], dim=1)
    assert (normals * outward).sum(1).min() > 0.95


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_surfaces_lie_at_the_cell_that_is_solid(axis):
    grid = torch.zeros(1, 8, 8, 8)
    cell = [4, 4, 4]
    cell[axis] = 7
    grid[(0, *cell)] = 1
    centre = (torch.tensor(cell) + 0.5) / 8 - 0.5
    for mode in ("smooth", "cubes"):
        mesh = Voxels(grid).to_mesh(0.5, mode=mode)
        middle = (mesh.vertices[0].amin(0) + mesh.vertices[0].amax(0)) / 2
        assert torch.allclose(middle, centre, atol=1e-6)
    assert volume(mesh) == pytest.approx(1 / 8**3)
    assert mesh.vertices[0].max() == pytest.approx(0.5)


def test_cubes_keep_only_exposed_sides():
    grid = torch.zeros(1, 6, 6, 6)
    grid[0, 1:4, 1:5, 2:4] = 1
    mesh = Voxels(grid).to_mesh(mode="cubes")
    assert len(mesh.faces[0]) == 2 * 2 * (3 * 4 + 3 * 2 + 4 * 2)
    assert volume(mesh) == pytest.approx(3 * 4 * 2 / 6**3)
    edges = mesh.faces[0][:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    forward = set(map(tuple, edges.tolist()))
    assert forward == {(b, a) for a, b in forward} and len(forward) == len(edges)


def test_surface_is_closed_where_the_grid_is_full():
    for mode in ("smooth", "cubes"):
        mesh = Voxels(torch.ones(1, 16, 16, 16)).to_mesh(0.5, mode=mode)
        assert volume(mesh) == pytest.approx(1, abs=0.01)


def test_no_solid_cell_gives_an_empty_mesh():
    voxels = Voxels(torch.full((2, 4, 4, 4), 0.39))
    for mode in ("smooth", "cubes"):
        mesh = voxels.to_mesh(0.4, mode=mode)
        assert [len(faces) for faces in mesh.faces] == [0, 0]
    assert mesh.to_voxels(4).probabilities.sum() == 0
    with pytest.raises(ValueError, match="positive, finite area"):
        mesh.to_points(3)
    assert all(len(faces) for faces in voxels.to_mesh(0.39).faces)
    assert voxels.binary(0.39).all() and not voxels.binary().any()
    with pytest.raises(ValueError, match="between 0 and 1"):
        voxels.to_mesh(1.0)


@pytest.mark.parametrize("mode", ["smooth", "cubes"])
def test_voxels_survive_the_way_to_a_mesh_and_back(mode):
    generator = torch.Generator().manual_seed(3)
    noise = torch.rand(2, 1, 4, 4, 4, generator=generator)
    smooth = torch.nn.functional.interpolate(
        noise, size=(16, 16, 16), mode="trilinear"
    )[:, 0]
    voxels = Voxels(smooth)
    back = voxels.to_mesh(0.5, mode=mode).to_voxels(16, mode="inside")
    assert iou(back.binary(0.5), voxels.binary(0.5)) > 0.99


def test_resampling_keeps_the_mean_and_the_place():
    voxels = Voxels(ball(16)[None])
    half = voxels.to_voxels(8)
    assert half.probabilities.mean() == pytest.approx(
        float(voxels.probabilities.mean()), abs=1e-6
    )
    finer = voxels.to_voxels(24).binary(0.5)[0]
    assert iou(finer, ball(24) > 0.5) > 0.95
    assert voxels.to_voxels(16) is voxels


def test_mesh_samples_are_uniform_and_seeded():
    # A 1 x 1 square and a 2 x 1 one: a third and two thirds of the points.
    vertices = torch.tensor(
        [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
        + [[0, 0, 1], [2, 0, 1], [2, 1, 1], [0, 1, 1]],
        dtype=torch.float32,
    )
    faces = torch.tensor([[0, 1, 2], [0, 0, 1], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    mesh = Mesh([vertices], [faces])
    cloud = mesh.to_points(20000, seed=5)
    points = cloud.points[0]
    upper = points[:, 2] > 0.5
    assert upper.float().mean() == pytest.approx(2 / 3, abs=0.015)
    assert points[upper].mean(0) == pytest.approx([1, 0.5, 1], abs=0.02)
    assert points[upper].var(0) == pytest.approx([4 / 12, 1 / 12, 0], abs=0.01)
    assert torch.allclose(cloud.normals[0], torch.tensor([0.0, 0, 1]).expand(20000, 3))
    assert torch.equal(points, mesh.to_points(20000, seed=5).points[0])
    assert not torch.equal(points, mesh.to_points(20000, seed=6).points[0])


def test_samples_carry_gradients_to_the_vertices():
    vertices = torch.eye(3, requires_grad=True)
    mesh = Mesh([vertices], torch.tensor([[0, 1, 2]]))
    mesh.to_points(50).points[0].sum().backward()
    assert vertices.grad.sum() == pytest.approx(150, rel=1e-4)


def test_points_and_voxels_are_inverse_on_cell_centres():
    voxels = Voxels((ball(12) > 0.5).float()[None])
    back = voxels.to_points().to_voxels(12)
    assert torch.equal(back.probabilities, voxels.probabilities)
    outside = PointCloud([torch.tensor([[0.6, 0, 0], [0.1, 0.1, 0.1]])])
    assert outside.to_voxels(4).probabilities.sum() == 1
    assert volume(outside.to_mesh(4)) == pytest.approx(1 / 64)


def test_drawing_points_keeps_their_normals():
    cloud = PointCloud([torch.rand(10, 3)], [torch.arange(30.0).reshape(10, 3)])
    for count in (4, 25):
        drawn = cloud.to_points(count)
        for point, normal in zip(drawn.points[0], drawn.normals[0], strict=True):
            assert torch.equal(cloud.points[0][int(normal[0]) // 3], point)
    assert len(set(map(tuple, cloud.to_points(10).points[0].tolist()))) == 10


def test_occupancy_field_converts_to_all():
    radii = torch.tensor([[0.2], [0.4]])
    field = OccupancyField(
        radii,
        lambda codes, points: torch.sigmoid((codes - points.norm(dim=-1)) / 0.01),
        chunk_size=1000,
    )
    voxels = field.to_voxels(20)
    assert torch.allclose(voxels.probabilities[1], ball(20, 0.4, 0.01), atol=1e-6)
    meshes = field.to_mesh(0.5, resolution=40)
    for sample, radius in zip(meshes, (0.2, 0.4), strict=True):
        assert volume(sample) == pytest.approx(4 / 3 * math.pi * radius**3, rel=0.02)
    points = field.to_points(100, threshold=0.5)
    assert points.points[0].norm(dim=1).mean() == pytest.approx(0.2, abs=0.003)


def test_r2n2_cube_mesh_leaves_its_input_alone():
    grid = np.full((3, 3, 3), 0.5)
    vertices, faces = r2n2_cube_mesh(grid, surface_only=False)
    assert vertices.shape == (216, 3) and faces.shape == (324, 3)
    assert faces.min() == 1 and faces.max() == 216
    assert (grid == 0.5).all()


@pytest.mark.parametrize("surface_only", [False, True])
def test_r2n2_cube_mesh_equals_the_original(golden_dir, golden, surface_only):
    inputs, outputs = golden.load(golden_dir / "r2n2" / "voxel_to_mesh_a")
    vertices, faces = r2n2_cube_mesh(inputs["volume"], surface_only)
    name = f"surface{int(surface_only)}"
    np.testing.assert_allclose(vertices, outputs[f"vertices_{name}"], atol=1e-12)
    np.testing.assert_array_equal(faces, outputs[f"faces_{name}"])
    if surface_only:
        assert r2n2_obj_text(vertices, faces).encode() == outputs["obj"].tobytes()
