# SPDX-License-Identifier: Apache-2.0
"""Reading and writing of mesh files."""

import json
import struct

import numpy as np
import pytest
import trimesh
from PIL import Image

from svr3d.errors import MeshError
from svr3d.io.mesh_colors import linear_from_srgb, srgb_from_linear
from svr3d.io.meshes import MeshData, load_mesh, save_mesh


def box(**visual) -> trimesh.Trimesh:
    shape = trimesh.creation.box((1, 2, 3))
    for name, value in visual.items():
        setattr(shape.visual, name, value)
    return shape


def signed_volume(mesh: MeshData) -> float:
    a, b, c = mesh.vertices.astype(np.float64)[mesh.faces].transpose(1, 0, 2)
    return float((a * np.cross(b, c)).sum() / 6)


def painted_box() -> MeshData:
    shape = box()
    colors = np.repeat(
        np.uint8([[200, 20, 30, 255], [10, 160, 90, 255], [90, 80, 250, 255]]), 4, 0
    )
    return MeshData(shape.vertices, shape.faces, face_colors=colors)


@pytest.mark.parametrize("suffix", ["glb", "gltf", "obj", "off", "ply", "stl"])
def test_every_format_gives_the_same_shape(tmp_path, suffix):
    path = tmp_path / f"box.{suffix}"
    box().export(path)
    mesh = load_mesh(path)
    assert mesh.vertices.dtype == np.float32 and mesh.faces.dtype == np.int64
    assert np.allclose(np.ptp(mesh.vertices, axis=0), (1, 2, 3))
    assert signed_volume(mesh) == pytest.approx(6, rel=1e-5)
    assert mesh.face_texture.tolist() == [-1] * 12


def test_scene_graph_is_applied_and_parts_merged(tmp_path):
    scene = trimesh.Scene()
    scene.add_geometry(box(), geom_name="a", node_name="first")
    far = trimesh.transformations.translation_matrix((10, 0, 0))
    scene.graph.update("second", geometry="a", matrix=far)
    turned = trimesh.transformations.rotation_matrix(np.pi / 2, (0, 0, 1))
    scene.graph.update("child", "second", geometry="a", matrix=turned)
    scene.export(tmp_path / "scene.glb")
    mesh = load_mesh(tmp_path / "scene.glb")
    assert len(mesh.faces) == 36
    assert np.allclose(mesh.vertices.min(axis=0), (-0.5, -1, -1.5), atol=1e-6)
    assert np.allclose(mesh.vertices.max(axis=0), (11, 1, 1.5), atol=1e-6)


def test_mirrored_parts_keep_their_outside(tmp_path):
    scene = trimesh.Scene()
    mirror = np.diag([-1.0, 1, 1, 1])
    scene.add_geometry(box(), transform=mirror)
    scene.export(tmp_path / "mirror.glb")
    assert signed_volume(load_mesh(tmp_path / "mirror.glb")) > 5.9


def test_base_colour_factors_are_linear(tmp_path):
    shape = box()
    material = trimesh.visual.material.PBRMaterial(baseColorFactor=[55, 55, 128, 255])
    shape.visual = trimesh.visual.TextureVisuals(material=material)
    shape.export(tmp_path / "grey.glb")
    mesh = load_mesh(tmp_path / "grey.glb")
    assert mesh.vertex_colors is None and mesh.textures == []
    # sRGB(55 / 255) = 0.5015, sRGB(128 / 255) = 0.7364
    assert np.unique(mesh.face_colors, axis=0).tolist() == [[128, 128, 188, 255]]


def test_srgb_curve_and_its_inverse():
    values = np.linspace(0, 1, 101)
    assert np.allclose(linear_from_srgb(srgb_from_linear(values)), values, atol=1e-6)
    assert srgb_from_linear(np.array(0.2140411)) == pytest.approx(0.5, abs=1e-5)


def test_face_and_vertex_colours_of_ply(tmp_path):
    faces = np.tile(np.uint8([10, 20, 30, 255]), (12, 1))
    box(face_colors=faces).export(tmp_path / "faces.ply")
    assert np.array_equal(load_mesh(tmp_path / "faces.ply").face_colors, faces)
    vertices = np.uint8(np.arange(32).reshape(8, 4) * 7)
    vertices[:, 3] = 255
    box(vertex_colors=vertices).export(tmp_path / "vertices.ply")
    mesh = load_mesh(tmp_path / "vertices.ply")
    assert np.array_equal(mesh.vertex_colors, vertices) and mesh.face_colors is None


def test_parts_with_and_without_texture(tmp_path):
    image = np.zeros((4, 4, 3), np.uint8)
    image[:2], image[2:] = (250, 0, 0), (0, 0, 250)
    sheet = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]])
    uv = np.array([[0.1, 0.9], [0.3, 0.9], [0.1, 0.8]])
    material = trimesh.visual.material.PBRMaterial(
        baseColorTexture=Image.fromarray(image), baseColorFactor=[255, 255, 255, 255]
    )
    sheet.visual = trimesh.visual.TextureVisuals(uv=uv, material=material)
    trimesh.Scene([sheet, box()]).export(tmp_path / "both.glb")
    mesh = load_mesh(tmp_path / "both.glb")
    textured = mesh.face_texture >= 0
    assert textured.sum() == 1 and len(mesh.textures) == 1
    assert np.allclose(mesh.uv[textured][0], uv, atol=1e-6)
    # v counts from below: 0.9 lies in the upper, red half
    assert mesh.textures[0][0, 0].tolist() == [250, 0, 0, 255]


def test_texture_is_multiplied_by_its_factor_in_linear_light(tmp_path):
    image = Image.new("RGB", (2, 2), (188, 188, 188))  # linear one half
    sheet = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]])
    material = trimesh.visual.material.PBRMaterial(
        baseColorTexture=image, baseColorFactor=[128, 128, 128, 255]
    )
    sheet.visual = trimesh.visual.TextureVisuals(uv=np.zeros((3, 2)), material=material)
    sheet.export(tmp_path / "tinted.glb")
    value = int(load_mesh(tmp_path / "tinted.glb").textures[0][0, 0, 0])
    assert abs(value - 137) <= 1  # sRGB(0.25)


@pytest.mark.parametrize("suffix", ["glb", "ply", "obj"])
def test_saved_colours_come_back(tmp_path, suffix):
    mesh = painted_box()
    path = tmp_path / f"box.{suffix}"
    save_mesh(path, mesh)
    first = path.read_bytes()
    save_mesh(path, mesh)
    assert path.read_bytes() == first
    back = load_mesh(path)
    found = (
        back.face_colors
        if back.face_colors is not None
        else back.vertex_colors[back.faces[:, 0]]
    )
    order = np.lexsort(back.vertices[back.faces].mean(axis=1).round(4).T)
    expected = np.lexsort(mesh.vertices[mesh.faces].mean(axis=1).round(4).T)
    difference = found[order].astype(int) - mesh.face_colors[expected]
    assert np.abs(difference).max() <= 10  # glTF stores dark linear colours coarsely
    assert signed_volume(back) == pytest.approx(6, rel=1e-5)


def test_saved_texture_comes_back(tmp_path):
    mesh = painted_box()
    mesh.textures = [np.random.default_rng(0).integers(0, 255, (8, 8, 4), np.uint8)]
    mesh.textures[0][..., 3] = 255
    mesh.face_texture[:4] = 0
    mesh.uv = np.random.default_rng(1).random((12, 3, 2)).astype(np.float32)
    save_mesh(tmp_path / "box.glb", mesh)
    back = load_mesh(tmp_path / "box.glb")
    assert np.array_equal(back.textures[0], mesh.textures[0])
    assert np.allclose(back.uv[back.face_texture == 0], mesh.uv[:4], atol=1e-6)


def test_off_and_unknown_suffix_of_save(tmp_path):
    save_mesh(tmp_path / "box.off", painted_box())
    assert signed_volume(load_mesh(tmp_path / "box.off")) == pytest.approx(6)
    with pytest.raises(MeshError, match=r"box\.fbx: expected a suffix among"):
        save_mesh(tmp_path / "box.fbx", painted_box())


def test_missing_file_and_unknown_suffix(tmp_path):
    with pytest.raises(MeshError, match="no such file"):
        load_mesh(tmp_path / "none.glb")
    with pytest.raises(MeshError, match="expected a mesh file .* found suffix '.txt'"):
        load_mesh(tmp_path / "none.txt")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9])
def test_truncated_glb(tmp_path, share):
    path = tmp_path / "cut.glb"
    data = trimesh.creation.icosphere().export(file_type="glb")
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(MeshError, match=r"cut\.glb: expected"):
        load_mesh(path)


@pytest.mark.parametrize("suffix", ["obj", "off", "ply", "stl", "gltf", "glb"])
def test_garbage_and_nothing(tmp_path, suffix):
    path = tmp_path / f"bad.{suffix}"
    for content in (b"", b"this is no mesh\n", bytes(range(256)) * 8):
        path.write_bytes(content)
        with pytest.raises(MeshError, match=rf"bad\.{suffix}: expected"):
            load_mesh(path)


def test_mesh_without_faces(tmp_path):
    (tmp_path / "points.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\n")
    with pytest.raises(MeshError, match=r"points\.obj: expected"):
        load_mesh(tmp_path / "points.obj")
    (tmp_path / "points.off").write_text("OFF\n3 0 0\n0 0 0\n1 0 0\n0 1 0\n")
    with pytest.raises(MeshError, match="faces"):
        load_mesh(tmp_path / "points.off")
    trimesh.PointCloud(np.eye(3)).export(tmp_path / "points.ply")
    with pytest.raises(MeshError, match="expected a mesh with faces, found no faces"):
        load_mesh(tmp_path / "points.ply")


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_non_finite_vertices(tmp_path, value):
    path = tmp_path / "bad.off"
    path.write_text(f"OFF\n4 1 0\n0 0 0\n1 0 {value}\n0 1 0\n1 1 1\n3 0 1 2\n")
    with pytest.raises(MeshError, match="finite vertices, found 1 of 4"):
        load_mesh(path)


def test_nan_in_glb(tmp_path):
    shape = box()
    shape.vertices[3] = np.nan
    shape.export(tmp_path / "nan.glb")
    with pytest.raises(MeshError, match="finite vertices"):
        load_mesh(tmp_path / "nan.glb")


def test_face_index_out_of_range(tmp_path):
    data = box().export(file_type="glb")
    length = struct.unpack("<I", data[12:16])[0]
    tree = json.loads(data[20 : 20 + length])
    view = tree["bufferViews"][tree["accessors"][0]["bufferView"]]
    start = 20 + length + 8 + view.get("byteOffset", 0)
    (tmp_path / "bad.glb").write_bytes(
        data[:start] + struct.pack("<I", 4000) + data[start + 4 :]
    )
    with pytest.raises(MeshError, match=r"bad\.glb: expected"):
        load_mesh(tmp_path / "bad.glb")


def test_zero_area_faces_are_dropped_and_counted(tmp_path):
    path = tmp_path / "some.off"
    vertices = "0 0 0\n1 0 0\n0 1 0\n2 0 0\n"
    path.write_text(f"OFF\n4 3 0\n{vertices}3 0 1 2\n3 0 1 3\n3 1 1 2\n")
    mesh = load_mesh(path)
    assert mesh.num_zero_area_faces == 2
    assert len(mesh.faces) == 1 and len(mesh.vertices) == 3
    path.write_text(f"OFF\n4 2 0\n{vertices}3 0 1 3\n3 1 1 2\n")
    with pytest.raises(MeshError, match="found 2 faces, all with zero area"):
        load_mesh(path)


def test_unused_vertices_do_not_count(tmp_path):
    path = tmp_path / "far.off"
    path.write_text("OFF\n4 1 0\n0 0 0\n99 99 99\n1 0 0\n0 1 0\n3 0 2 3\n")
    assert load_mesh(path).vertices.max() == 1


def test_all_real_meshes_load(shared_meshes):
    paths = sorted(shared_meshes.glob("*/*.glb"))[::7]
    for path in paths:
        mesh = load_mesh(path)
        assert len(mesh.faces) and np.isfinite(mesh.vertices).all()
        assert mesh.face_colors is not None or mesh.vertex_colors is not None
