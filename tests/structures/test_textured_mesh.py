# SPDX-License-Identifier: Apache-2.0
"""Meshes with texture cubes, as files."""

import numpy as np
import pytest

from svr3d.errors import MeshError
from svr3d.geometry.template_meshes import icosphere
from svr3d.io.mesh_data import MeshData
from svr3d.io.meshes import load_mesh
from svr3d.io.textured_obj import save_textured_obj
from svr3d.structures.textured_mesh import save_textured_mesh, textured_mesh


@pytest.fixture
def painted():
    """An icosahedron whose cubes' corners have colours of their own."""
    vertices, faces = icosphere(0)
    cubes = np.random.default_rng(0).random((len(faces), 3, 3, 3, 3))
    return vertices.astype(np.float32), faces, cubes


def corner_cells(cubes):
    """The colours (F, 3, 3) at the three corners of each face."""
    return np.stack([cubes[:, -1, 0, 0], cubes[:, 0, -1, 0], cubes[:, 0, 0, -1]], 1)


def seen(mesh, weights):
    """What a viewer finds at barycentric places (P, 3) of each face, (F, P, 3)."""
    texture = mesh.textures[0][..., :3] / 255.0
    height, width = texture.shape[:2]
    u, v = (np.asarray(weights) @ mesh.uv.astype(np.float64)).transpose(2, 0, 1)
    x, y = u * width - 0.5, (1 - v) * height - 0.5
    x0, y0 = np.floor(x + 1e-6).astype(int), np.floor(y + 1e-6).astype(int)
    x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
    a, b = (x - x0)[..., None], (y - y0)[..., None]
    upper = texture[y0, x0] * (1 - a) + texture[y0, x1] * a
    return upper * (1 - b) + (texture[y1, x0] * (1 - a) + texture[y1, x1] * a) * b


@pytest.mark.parametrize("name", ["painted.obj", "painted.glb"])
def test_files_show_the_cubes(painted, tmp_path, name):
    vertices, faces, cubes = painted
    path = save_textured_mesh(tmp_path / "new" / name, vertices, faces, cubes)
    mesh = load_mesh(path)
    triangles = mesh.vertices[mesh.faces]
    np.testing.assert_allclose(triangles, vertices[faces], atol=1e-6)
    corners = seen(mesh, np.eye(3))
    np.testing.assert_allclose(corners, corner_cells(cubes), atol=0.01)
    # Along edges neighbours in the texture do not shine through.
    half = seen(mesh, [[0.5, 0.5, 0], [0, 0.5, 0.5], [0.5, 0, 0.5]])
    cells = np.stack([cubes[:, 1, 1, 0], cubes[:, 0, 1, 1], cubes[:, 1, 0, 1]], 1)
    assert np.abs(half - cells).max() < 0.12


def test_a_material_of_the_file_names_its_image(painted, tmp_path):
    save_textured_mesh(tmp_path / "a.obj", *painted)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mtl", "a.obj", "a_0.png"]
    assert "map_Kd a_0.png" in (tmp_path / "a.mtl").read_text()
    assert (tmp_path / "a.obj").read_text().startswith("mtllib a.mtl\n")


def test_bad_arguments(painted, tmp_path):
    vertices, faces, cubes = painted
    with pytest.raises(ValueError, match=r"expected a suffix among .glb .obj"):
        save_textured_mesh(tmp_path / "a.ply", vertices, faces, cubes)
    with pytest.raises(ValueError, match="one for each of 20 faces, found 19"):
        textured_mesh(vertices, faces, cubes[1:])
    with pytest.raises(MeshError, match="without spaces"):
        save_textured_mesh(tmp_path / "my mesh.obj", vertices, faces, cubes)
    with pytest.raises(MeshError, match="with textures and uv, found none"):
        save_textured_obj(tmp_path / "a.obj", MeshData(vertices, faces))
