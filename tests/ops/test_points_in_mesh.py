# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch
from shapes import cube, merge, random_points, soup, sphere

from svr3d.ops import points_in_mesh
from svr3d.ops._torch.points_in_mesh import (
    points_in_mesh_hash_torch,
    points_in_mesh_parity_torch,
)

CASES = ["inside_icosphere", "inside_torus", "inside_open_mesh", "inside_box_grid"]


@pytest.mark.parametrize("name", CASES)
def test_recorded_points_are_equal(kernels, golden, golden_dir, name):
    inputs, outputs = golden.load(golden_dir / "occnet" / name)
    found = points_in_mesh(
        inputs["vertices"],
        inputs["faces"],
        inputs["points"],
        rule="hash",
        resolution=int(inputs["hash_resolution"]),
    )
    assert np.array_equal(found.numpy(), outputs["contains"])


@pytest.mark.parametrize("resolution", [2, 37, 512, 4096])
@pytest.mark.parametrize(
    "mesh", [soup(60), soup(20, 1, 2.0), sphere(0.4, 12), merge(cube(0.5), cube(0.7))]
)
def test_hash_kernel_equals_twin(compiled, mesh, resolution):
    points = random_points(700)
    points[:64] = (points[:64] * 8).round() / 8  # also ties
    arguments = (*mesh, points, resolution)
    found = torch.ops.svr3d.points_in_mesh_hash(*arguments)
    assert torch.equal(found, points_in_mesh_hash_torch(*arguments))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "mesh", [soup(60), soup(20, 1, 2.0), sphere(0.4, 12), merge(cube(0.5), cube(0.7))]
)
def test_parity_kernel_equals_twin(compiled, mesh, dtype):
    points = random_points(1000)
    points[:64] = (points[:64] * 8).round() / 8
    arguments = (mesh[0].to(dtype), mesh[1], points.to(dtype))
    found = torch.ops.svr3d.points_in_mesh_parity(*arguments)
    assert torch.equal(found, points_in_mesh_parity_torch(*arguments))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_parity_has_no_leaks_through_edges_and_corners(kernels, dtype):
    """Lines along z exactly through edges and corners, which the hash rule misses."""
    axis = torch.linspace(-0.75, 0.75, 13, dtype=dtype)
    points = torch.cartesian_prod(axis, axis, axis)
    vertices, faces = cube(1.0)
    clear = (points.abs().amax(1) - 0.5).abs() > 1e-3
    found = points_in_mesh(vertices.to(dtype), faces, points)[clear]
    assert torch.equal(found, (points.abs().amax(1) < 0.5)[clear])


def test_parity_works_far_from_the_origin(compiled):
    vertices, faces = sphere(0.4, 16)
    shift = torch.tensor([300.0, -500.0, 700.0])
    points = random_points(3000).float()
    vertices = vertices.float()
    clear = (points.norm(dim=1) - 0.4).abs() > 0.01
    found = points_in_mesh(vertices + shift, faces, points + shift)
    expected = points_in_mesh(vertices, faces, points)
    assert torch.equal(found[clear], expected[clear])


def test_both_rules_agree_in_general_position(compiled):
    points = random_points(3000)
    for mesh in (sphere(0.45, 20), merge(sphere(0.5, 30), sphere(0.2, 9))):
        parity = points_in_mesh(*mesh, points)
        assert torch.equal(parity, points_in_mesh(*mesh, points, rule="hash"))


@pytest.mark.parametrize("rule", ["parity", "hash"])
def test_sphere_and_cavity(kernels, rule):
    points = random_points(1000)
    distance = points.norm(dim=1)
    clear = ((distance - 0.5).abs() > 0.03) & ((distance - 0.2).abs() > 0.02)
    mesh = merge(sphere(0.5, rings=10), sphere(0.2, rings=10))
    found = points_in_mesh(*mesh, points, rule=rule)
    expected = (distance < 0.5) & (distance > 0.2)
    assert torch.equal(found[clear], expected[clear])


@pytest.mark.parametrize("rule", ["parity", "hash"])
def test_empty_and_flat_input(kernels, rule):
    vertices, faces = cube()
    points = random_points(5)
    assert points_in_mesh(vertices, faces, points[:0], rule=rule).shape == (0,)
    assert not points_in_mesh(vertices, faces[:0], points, rule=rule).any()
    nothing = torch.empty(0, 3).double()
    assert not points_in_mesh(nothing, faces[:0], points, rule=rule).any()
    flat = vertices * torch.tensor([1.0, 1, 0])
    assert not points_in_mesh(flat, faces, points, rule=rule).any()


@pytest.mark.parametrize("rule", ["parity", "hash"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_dtypes_and_strides(kernels, dtype, rule):
    vertices, faces = sphere(0.4, 8)
    vertices, points = vertices.to(dtype), random_points(200).to(dtype)
    strided = torch.empty(3, 200, dtype=dtype).T.copy_(points)
    found = points_in_mesh(vertices, faces.int(), strided, rule=rule)
    expected = points_in_mesh(vertices.float(), faces, points.float(), rule=rule)
    assert torch.equal(found, expected)


@pytest.mark.parametrize("rule", ["parity", "hash"])
def test_threads_do_not_change_a_bit(compiled, threads, rule):
    mesh, points = soup(9000, size=0.05), random_points(5000)
    results = []
    for count in (1, 3):
        threads(count)
        results.append(points_in_mesh(*mesh, points, rule=rule))
    assert torch.equal(*results)


def test_registration(compiled):
    arguments = (*cube(), random_points(20), 64)
    torch.library.opcheck(torch.ops.svr3d.points_in_mesh_hash, arguments)
    torch.library.opcheck(torch.ops.svr3d.points_in_mesh_parity, arguments[:3])


def test_compiles_into_one_graph(compiled):
    vertices, faces = cube()
    points = random_points(30)
    run = torch.compile(points_in_mesh, fullgraph=True, backend="aot_eager")
    expected = points_in_mesh(vertices, faces, points)
    assert torch.equal(run(vertices, faces, points), expected)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"points": torch.zeros(3)}, ValueError, r"points: expected shape \(N, 3\)"),
        ({"points": torch.full((2, 3), torch.nan)}, ValueError, "points: .*2 of 2"),
        ({"vertices": torch.zeros(8, 3).int()}, TypeError, "vertices: .*floating"),
        ({"faces": torch.tensor([[0, 1, 8]])}, ValueError, "faces: .*found 8"),
        ({"rule": "ray"}, ValueError, "rule: .*found 'ray'"),
        ({"rule": "hash", "resolution": 1}, ValueError, "resolution: .*found 1"),
    ],
)
def test_errors_name_argument_expected_and_found(change, error, message):
    vertices, faces = cube()
    arguments = {"vertices": vertices, "faces": faces, "points": random_points(2)}
    with pytest.raises(error, match=message):
        points_in_mesh(**(arguments | change))
