# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch

from svr3d.io.mesh_data import MeshData
from svr3d.ops import _library
from svr3d.renderers import ColorRenderer, composite

SQUARE = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32)
TWO_FACES = np.array([[0, 2, 1], [0, 3, 2]])
CORNERS_UV = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32)


@pytest.fixture(params=["compiled", "torch"])
def kernels(request, monkeypatch):
    if request.param == "compiled":
        if not _library.load():
            pytest.skip(_library.load_report())
    else:
        monkeypatch.setattr(_library, "available", lambda: False)
    return request.param


def frontal(size: int, *, distance: float = 2.0, half_width: float = 1.0):
    """A camera before the square z = 0 that sees ``half_width`` of it at the border.

    Camera axes are the object's: x right, y down, z forward.
    """
    extrinsics = np.eye(4)[None, :3].copy()
    extrinsics[0, 2, 3] = distance
    focal = size / 2 * distance / half_width
    centre = size / 2
    intrinsics = np.array([[[focal, 0, centre], [0, focal, centre], [0, 0, 1.0]]])
    return extrinsics, intrinsics


def square(**fields) -> MeshData:
    return MeshData(vertices=SQUARE, faces=TWO_FACES, **fields)


def textured(texture: np.ndarray) -> MeshData:
    return square(
        uv=CORNERS_UV[TWO_FACES], face_texture=np.zeros(2, np.int64), textures=[texture]
    )


def test_alpha_is_the_covered_share(kernels):
    """The square fills 4 x 4 of 8 x 8 pixels, shifted by a quarter of a pixel."""
    extrinsics, intrinsics = frontal(8, half_width=2.0)
    intrinsics[0, 0, 2] += 0.25
    renderer = ColorRenderer(8, 8, supersample=4, ambient=1.0)
    images = renderer.render(square(), extrinsics, intrinsics)
    assert images.dtype == np.uint8
    alpha = np.zeros((8, 8), np.uint8)
    alpha[2:6, 2] = 191  # 255 * 3 / 4
    alpha[2:6, 3:6] = 255
    alpha[2:6, 6] = 64
    np.testing.assert_array_equal(images[0, ..., 3], alpha)
    assert (images[0][alpha == 0] == 0).all()
    # Straight alpha: the border is not darkened.
    assert (images[0][alpha > 0][:, :3] == 186).all()


def test_headlight_falls_off_with_the_angle_from_both_sides(kernels):
    """At the centre of a plane tilted by t the light is a + (1 - a) cos t."""
    colors = np.full((2, 4), 200, np.uint8)
    for degrees in (0, 60, 180, 240):
        t = np.radians(degrees)
        turn = np.array(
            [[np.cos(t), 0, np.sin(t)], [0, 1, 0], [-np.sin(t), 0, np.cos(t)]]
        )
        mesh = square(face_colors=colors)
        mesh.vertices = (SQUARE @ turn.T).astype(np.float32)
        renderer = ColorRenderer(9, 9, supersample=1, ambient=0.25)
        image = renderer.render(mesh, *frontal(9, half_width=2.0))[0]
        expected = 200 * (0.25 + 0.75 * abs(np.cos(t)))
        assert image[4, 4, 0] == pytest.approx(expected, abs=1)


def test_face_and_vertex_colors(kernels):
    faces = np.array([[255, 0, 0, 255], [0, 0, 255, 255]], np.uint8)
    renderer = ColorRenderer(8, 8, supersample=2, ambient=1.0)
    image = renderer.render(square(face_colors=faces), *frontal(8))[0]
    assert image[1, 6, :3].tolist() == [255, 0, 0]  # right of the diagonal: face 0
    assert image[6, 1, :3].tolist() == [0, 0, 255]
    corners = np.array([[0, 0, 0], [200, 0, 0], [200, 100, 0], [0, 100, 0]], np.uint8)
    alpha = np.full((4, 1), 255, np.uint8)
    mesh = square(vertex_colors=np.concatenate([corners, alpha], axis=1))
    image = renderer.render(mesh, *frontal(8))[0].astype(int)
    ramp = (np.arange(8) + 0.5) / 8
    assert np.abs(image[..., 0] - 200 * ramp[None]).max() <= 1
    assert np.abs(image[..., 1] - 100 * ramp[:, None]).max() <= 1


def test_texture_is_upright_and_bilinear(kernels):
    texture = np.full((4, 4, 4), 255, np.uint8)
    texture[..., :3] = np.random.RandomState(0).randint(0, 255, (4, 4, 3))
    renderer = ColorRenderer(4, 4, supersample=1, ambient=1.0)
    image = renderer.render(textured(texture), *frontal(4))[0]
    assert (
        np.abs(image.astype(int) - texture).max() <= 1
    )  # texel and pixel centres meet
    fine = ColorRenderer(8, 8, supersample=1, ambient=1.0)
    image = fine.render(textured(texture), *frontal(8))[0].astype(float)
    between = 0.75 * texture[1, 1] + 0.25 * texture[1, 2].astype(float)
    below = 0.75 * texture[2, 1] + 0.25 * texture[2, 2].astype(float)
    np.testing.assert_allclose(image[3, 3], 0.75 * between + 0.25 * below, atol=1)


def test_texture_wraps_and_uses_its_own_color_only(kernels):
    texture = np.full((2, 2, 4), 255, np.uint8)
    texture[0, 0, :3] = 10
    mesh = textured(texture)
    mesh.uv = mesh.uv + np.float32([3, -2])
    mesh.face_colors = np.zeros((2, 4), np.uint8)
    image = ColorRenderer(2, 2, supersample=1, ambient=1.0).render(mesh, *frontal(2))
    np.testing.assert_allclose(image[0], texture, atol=1)


def test_transparent_texels_are_holes(kernels):
    """What lies behind the hole is seen through it."""
    texture = np.full((2, 2, 4), 255, np.uint8)
    texture[0, 1, 3] = 0
    texture[1, 0, 3] = 0
    mesh = textured(texture)
    mesh.uv = mesh.uv + np.float32(0.25)  # texel centres in the corners' middle
    back = SQUARE + np.float32([0, 0, 1])
    vertices = np.concatenate([SQUARE, back[:3] * np.float32([3, 3, 1])])
    both = MeshData(
        vertices=vertices,
        faces=np.concatenate([TWO_FACES, [[4, 5, 6]]]),
        face_colors=np.array([[255] * 4, [255] * 4, [200, 0, 0, 255]], np.uint8),
        uv=np.concatenate([mesh.uv, np.zeros((1, 3, 2), np.float32)]),
        face_texture=np.array([0, 0, -1]),
        textures=mesh.textures,
    )
    renderer = ColorRenderer(16, 16, supersample=1, ambient=1.0)
    alone = renderer.render(mesh, *frontal(16))[0]
    assert 0.3 < (alone[..., 3] == 0).mean() < 0.7
    image = renderer.render(both, *frontal(16))[0]
    hole = (alone[..., 3] == 0) & (image[..., 3] == 255)
    assert hole.any()
    assert (image[hole][:, :3] == [200, 0, 0]).all()


def test_background_is_laid_under(kernels):
    renderer = ColorRenderer(8, 8, supersample=1, background=(10, 20, 30))
    image = renderer.render(square(), *frontal(8, half_width=2.0))[0]
    assert (image[..., 3] == 255).all()
    assert image[0, 0].tolist() == [10, 20, 30, 255]
    half = np.array([[[200, 100, 0, 51]]], np.uint8)  # one fifth
    assert composite(half, (100, 100, 100)).tolist() == [[[120, 100, 80, 255]]]


def test_depth_and_silhouette(kernels):
    renderer = ColorRenderer(8, 8, supersample=2)
    cameras = frontal(8, half_width=2.0)
    depth = renderer.render_depth(square(), *cameras)
    expected = np.zeros((1, 8, 8), np.float32)
    expected[0, 2:6, 2:6] = 2
    np.testing.assert_allclose(depth, expected)
    silhouette = renderer.render_silhouette(square(), *cameras)
    np.testing.assert_array_equal(silhouette, expected / 2)


def test_compiled_equals_torch(monkeypatch):
    if not _library.load():
        pytest.skip(_library.load_report())
    generator = np.random.RandomState(1)
    vertices = generator.uniform(-1, 1, (30, 3)).astype(np.float32)
    faces = generator.randint(0, 30, (14, 3))
    texture = generator.randint(0, 255, (5, 7, 4)).astype(np.uint8)
    mesh = MeshData(
        vertices=vertices,
        faces=faces,
        face_colors=generator.randint(0, 255, (14, 4)).astype(np.uint8),
        uv=generator.uniform(-2, 2, (14, 3, 2)).astype(np.float32),
        face_texture=generator.randint(-1, 1, 14),
        textures=[texture],
    )
    extrinsics, intrinsics = frontal(17, distance=3.0, half_width=1.5)
    turn = extrinsics.copy()
    turn[0, :, :3] = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    cameras = np.concatenate([extrinsics, turn]), np.repeat(intrinsics, 2, axis=0)
    renderer = ColorRenderer(17, 17, supersample=3)
    compiled = renderer.render(mesh, *cameras).astype(int)
    monkeypatch.setattr(_library, "available", lambda: False)
    twin = renderer.render(mesh, *cameras).astype(int)
    assert (compiled[..., 3] > 0).mean() > 0.2
    # Rounding may move a texture look-up across a hole's border.
    differ = (np.abs(compiled - twin) > 1).any(-1)
    assert differ.mean() < 0.002


def test_threads_do_not_change_a_bit():
    if not _library.load():
        pytest.skip(_library.load_report())
    cameras = [np.repeat(c, 4, axis=0) for c in frontal(16)]
    before = torch.get_num_threads()
    results = []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            results.append(ColorRenderer(16, 16).render(square(), *cameras))
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(*results)


def test_operator_registration():
    if not _library.load():
        pytest.skip(_library.load_report())
    extrinsics, intrinsics = (torch.from_numpy(c) for c in frontal(4))
    arguments = (
        torch.from_numpy(SQUARE).double(),
        torch.from_numpy(TWO_FACES),
        extrinsics,
        intrinsics,
        torch.full((2, 3, 4), 255.0),
        torch.zeros(2, 3, 2),
        torch.tensor([-1, 0]),
        torch.full((6, 4), 255, dtype=torch.uint8),
        torch.tensor([[2, 3]]),
        *(4, 5, 2, 0.3, 1e-3),
    )
    torch.library.opcheck(torch.ops.svr3d.render_colors, arguments)


def test_mesh_without_faces_gives_empty_images(kernels):
    mesh = MeshData(vertices=SQUARE, faces=np.empty((0, 3), np.int64))
    images = ColorRenderer(4, 5).render(mesh, *frontal(4))
    assert images.shape == (1, 4, 5, 4)
    assert not images.any()


def test_errors_name_what_is_wrong():
    mesh = square()
    extrinsics, intrinsics = frontal(4)
    renderer = ColorRenderer(4, 4)
    with pytest.raises(ValueError, match=r"extrinsics: expected shape \(N, 3, 4\)"):
        renderer.render(mesh, extrinsics[0], intrinsics)
    with pytest.raises(ValueError, match="ambient: expected 0 to 1, found 2"):
        ColorRenderer(4, 4, ambient=2).render(mesh, extrinsics, intrinsics)
    with pytest.raises(ValueError, match="supersample: expected 1 to 16, found 0"):
        ColorRenderer(4, 4, supersample=0).render(mesh, extrinsics, intrinsics)
    with pytest.raises(ValueError, match="background: expected three numbers"):
        ColorRenderer(4, 4, background=(1, 2))
    mesh.face_texture = np.array([0, -1])
    with pytest.raises(ValueError, match="face_texture: .*0 textures.*found 0"):
        renderer.render(mesh, extrinsics, intrinsics)
    mesh = square()
    mesh.vertices[2, 1] = np.nan
    with pytest.raises(ValueError, match="vertices: .*1 of 4 rows, first in row 2"):
        renderer.render(mesh, extrinsics, intrinsics)
