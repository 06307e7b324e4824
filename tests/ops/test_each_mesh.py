# SPDX-License-Identifier: Apache-2.0
"""Batches of meshes: the answers of single meshes, and errors that name arguments."""

import functools

import pytest
import torch
from shapes import cube, random_points, sphere

from svr3d.ops import points_in_mesh, points_inside, winding_number

ASKS = {
    "winding": winding_number,
    "winding, exact": functools.partial(winding_number, exact=True),
    "parity": points_in_mesh,
    "hash": functools.partial(points_in_mesh, rule="hash", resolution=32),
    "points_inside": points_inside,
}


def ragged(dtype=torch.float64):
    """A sphere and a cube, padded to the same sizes."""
    meshes = [sphere(0.45, 8), cube(0.7)]
    most = [max(len(mesh[k]) for mesh in meshes) for k in (0, 1)]
    vertices = torch.zeros(2, most[0], 3, dtype=dtype)
    faces = torch.zeros(2, most[1], 3, dtype=torch.int64)
    for number, (v, f) in enumerate(meshes):
        vertices[number, : len(v)] = v
        faces[number, : len(f)] = f
    return meshes, vertices, faces, torch.tensor([len(f) for _, f in meshes])


@pytest.mark.parametrize("name", ASKS)
def test_ragged_batches_equal_single_meshes(kernels, name):
    meshes, vertices, faces, lengths = ragged()
    points = torch.stack([random_points(50), random_points(50, seed=1)])
    found = ASKS[name](vertices, faces, points, lengths=lengths)
    for (v, f), cloud, answer in zip(meshes, points, found, strict=True):
        torch.testing.assert_close(answer, ASKS[name](v, f, cloud))


@pytest.mark.parametrize("name", ASKS)
def test_shared_faces_and_empty_batches(kernels, name):
    vertices, faces = sphere(0.45, 8)
    both = torch.stack([vertices, 0.5 * vertices])
    points = random_points(40).expand(2, -1, -1)
    found = ASKS[name](both, faces, points)
    torch.testing.assert_close(found[1], ASKS[name](both[1], faces, points[1]))
    assert not torch.equal(found[0], found[1])
    empty = ASKS[name](both[:0], faces, points[:0])
    assert empty.shape == (0, 40) and empty.dtype == found.dtype


def test_errors_name_the_argument():
    _, vertices, faces, lengths = ragged()
    points = random_points(5).expand(2, -1, -1)
    with pytest.raises(ValueError, match=r"points: .*\(2, P, 3\), found \(1, 5, 3\)"):
        winding_number(vertices, faces, points[:1])
    with pytest.raises(ValueError, match=r"faces: .*\(2, F, 3\)"):
        points_in_mesh(vertices, faces[:1], points)
    with pytest.raises(ValueError, match="lengths: expected 0 to"):
        points_inside(vertices, faces, points, lengths=lengths + 1)
    with pytest.raises(ValueError, match="lengths: expected None for a single mesh"):
        winding_number(vertices[0], faces[0], points[0], lengths=lengths)
