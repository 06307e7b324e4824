# SPDX-License-Identifier: Apache-2.0
"""The data side of the dispersion study against what the original programs computed."""

import json

import cv2
import numpy as np
import pytest

from svr3d.datasets import CubeSphere, base
from svr3d.datasets.rng import SampleRandom
from svr3d.datasets.transforms import PackViews
from svr3d.ops import nearest_neighbors
from svr3d.preparation.cube_sphere.shape import interpolated_mesh


@pytest.fixture
def case(request, golden, golden_dir):
    return golden.load(golden_dir / "dispersion" / request.param)


@pytest.fixture
def one_stream(monkeypatch):
    """Samples draw from one generator in turn, as the original programs did."""

    def use(seed):
        stream = SampleRandom(int(seed))
        monkeypatch.setattr(base, "SampleRandom", lambda seed: stream)

    return use


def only(name):
    return pytest.mark.parametrize("case", [name], indirect=True)


def check_image(image, expected, name, atol):
    """Compare an image (3, H, W) with its recorded sub-sample."""
    flat = image.double().flatten()
    total, squares, size, step = expected[f"{name}.stats"]
    assert flat.numel() == size
    found = flat[:: int(step)].numpy()
    np.testing.assert_allclose(found, expected[f"{name}.sub"], rtol=0, atol=atol)
    assert abs(flat.sum() - total) <= atol * size
    assert abs((flat**2).sum() - squares) <= 2 * atol * size


@only("dataset_synthetic")
def test_dataset_synthetic(case, tmp_path, one_stream):
    given, expected = case
    entries = []
    for index, value in enumerate(given["shapekey"]):
        folder = tmp_path / f"instance_{index:03d}"
        folder.mkdir()
        np.save(folder / "pt_30000.npy", given["clouds"][index])
        rgb = given["image_u8"][index].transpose(1, 2, 0)
        cv2.imwrite(str(folder / "Isometric.png"), rgb[..., ::-1])
        entries.append(
            {
                "isometric_path": f"{folder.name}/Isometric.png",
                "ptcloud_path": f"{folder.name}/pt_1024.npy",
                "shapekey_value": float(value),
            }
        )
    (tmp_path / "list.json").write_text(json.dumps(entries))
    dataset = CubeSphere(
        str(tmp_path),
        [PackViews()],
        list_file="list.json",
        points={"num_points": 50, "replace": False},
        channel_order="bgr",
    )
    one_stream(given["seed"])
    samples = list(dataset)
    points = np.stack([sample["surface_points"] for sample in samples])
    np.testing.assert_allclose(points, expected["points"], rtol=0, atol=1e-6)
    values = [float(sample["shape_parameter"]) for sample in samples]
    np.testing.assert_allclose(values, expected["shapekey"], atol=1e-7)
    flat = np.stack([sample["images"][0].numpy() for sample in samples]).ravel()
    total, _, size, step = expected["image.stats"]
    np.testing.assert_allclose(flat[:: int(step)], expected["image.sub"], atol=1e-6)
    assert flat.size == size and abs(flat.sum(dtype=np.float64) - total) < 1e-2


def off_planes(vertices):
    """Tell which vertices have one nearest corner of a cube."""
    return (np.abs(vertices) > 1e-3).all(axis=1)


def area_and_volume(vertices, faces):
    corners = vertices[faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2
    volume = (corners.mean(axis=1) * normals).sum() / 3
    return np.linalg.norm(normals, axis=1).sum(), volume


def matches(wanted, there):
    """Return squared distance and index of the nearest vertex that is there."""
    found = nearest_neighbors(np.float32(wanted)[None], np.float32(there)[None])
    return (part[0, :, 0].numpy() for part in found)


@only("synthetic_shape")
@pytest.mark.parametrize("row", range(4))
def test_synthetic_shape(case, row):
    given, expected = case
    half_side, radius, value = given["params"][row]
    options = {"cube_half_side": half_side, "sphere_radius": radius}
    mesh = interpolated_mesh(value, **options)
    vertices = expected[f"{row}.vertices"]
    assert len(vertices) == len(mesh.vertices)
    assert len(expected[f"{row}.triangles"]) == len(mesh.faces)
    ours = interpolated_mesh(0, **options).vertices
    inside = off_planes(ours)
    assert (~inside).sum() == 186
    squared, _ = matches(mesh.vertices[inside], vertices)
    assert squared.max() < 1e-10
    area, volume = area_and_volume(mesh.vertices, mesh.faces)
    assert area == pytest.approx(expected[f"{row}.area"], rel=1e-2)
    assert volume == pytest.approx(expected[f"{row}.volume"], rel=1e-2)
    if row == 0:
        squared, index = matches(expected["basis0"], ours)
        assert squared.max() < 1e-10 and len(set(index)) == len(ours)


@only("synthetic_shape_blender279")
def test_synthetic_shape_blender279(case):
    expected = case[1]
    options = {"cube_half_side": 0.6 / 1.72, "sphere_radius": 1.0}
    squared, index = matches(
        expected["basis"], interpolated_mesh(0, **options).vertices
    )
    assert squared.max() < 1e-10 and len(set(index)) == len(index)
    inside = off_planes(expected["basis"])
    for value, name in ((1.0, "shrinkwrap"), (0.5, "lerp_0.5")):
        ours = interpolated_mesh(value, **options).vertices[index]
        np.testing.assert_allclose(
            ours[inside], expected[name][inside], rtol=0, atol=1e-5
        )
    quads = (expected["faces"][:, 3] >= 0).sum()
    assert quads * 2 + (len(expected["faces"]) - quads) == 3968
