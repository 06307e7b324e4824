# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from svr3d.io.meshes import MeshData
from svr3d.preparation.object_frame import normalize_mesh

CORNERS = np.array([[1, 2, 3], [5, 2, 3], [1, 4, 3], [1, 2, 4]], float)
FACES = [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]]


def test_centred_with_longest_side_one():
    placed = normalize_mesh(MeshData(CORNERS, FACES))
    vertices = placed.mesh.vertices
    assert np.allclose(vertices.min(axis=0), (-0.5, -0.25, -0.125))
    assert np.allclose(vertices.max(axis=0), (0.5, 0.25, 0.125))
    assert np.allclose(placed.loc, (3, 3, 3.5)) and placed.scale == 4
    assert placed.diagonal == pytest.approx(np.sqrt(21) / 4)
    assert np.allclose(vertices * placed.scale + placed.loc, CORNERS)


def test_z_up_is_a_rotation():
    mesh = MeshData(CORNERS, FACES)
    turned = normalize_mesh(mesh, up="z").mesh.vertices
    plain = normalize_mesh(mesh).mesh.vertices
    assert np.allclose(turned[:, 1], plain[:, 2])  # what was z is up
    edges = [(v[1:] - v[0]).astype(float) for v in (plain, turned)]
    assert np.linalg.det(edges[0]) == pytest.approx(np.linalg.det(edges[1]))


def test_far_and_tiny_meshes_keep_their_shape():
    # float32 vertices far from the origin are scaled in double precision
    mesh = MeshData(CORNERS * 2.0**-10 + 64, FACES)
    vertices = normalize_mesh(mesh).mesh.vertices
    assert np.allclose(vertices, normalize_mesh(MeshData(CORNERS, FACES)).mesh.vertices)


def test_unknown_axis():
    with pytest.raises(ValueError, match="up must be one of"):
        normalize_mesh(MeshData(CORNERS, FACES), up="x")
