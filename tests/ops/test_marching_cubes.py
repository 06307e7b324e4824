# SPDX-License-Identifier: Apache-2.0
import math
from collections import Counter

import numpy as np
import pytest
import torch

from svr3d.ops import marching_cubes
from svr3d.ops._torch.marching_cubes import marching_cubes_torch
from svr3d.ops._torch.marching_cubes_table import EDGES, triangle_table

CASES = ("mcubes_sphere", "mcubes_gyroid", "mcubes_ties")


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def ball(size: int, radius: float, centre: float) -> torch.Tensor:
    """Distance to a sphere, positive inside."""
    axis = torch.arange(size).double() - centre
    distance = axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2
    return radius - distance.sqrt()


def volume_of(vertices: torch.Tensor, faces: torch.Tensor) -> float:
    a, b, c = vertices[faces].double().unbind(1)
    return float((a * torch.linalg.cross(b, c)).sum() / 6)


def assert_same_surface(vertices, faces, expected, triangles, tolerance) -> None:
    """Asserts equal vertices in any order, and equal triangles from any corner.

    The published program does not share vertices between cells on the sides x = 0,
    y = 0 and z = 0 of the volume; equal ones are merged before the comparison.
    """
    vertices, expected = vertices.double(), torch.from_numpy(expected).double()
    expected, merged = expected.round(decimals=6).unique(dim=0, return_inverse=True)
    distance, match = torch.cdist(vertices, expected).min(1)
    assert distance.max() < tolerance + 5e-7  # of the rounding
    if len(vertices) == len(vertices.unique(dim=0)):  # ties put several at one place
        assert torch.equal(match.sort()[0], torch.arange(len(expected)))
    found, theirs = match[faces], merged[torch.from_numpy(triangles).long()]
    assert turned(found) == turned(theirs)


def turned(faces: torch.Tensor) -> Counter:
    """Triangles from their lowest corner, counted."""
    rolled = [np.roll(face, -int(face.argmin())) for face in faces.numpy()]
    return Counter(tuple(map(int, face)) for face in rolled)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", CASES)
def test_equals_the_published_program(kernels, golden_dir, golden, name, dtype):
    inputs, outputs = golden.load(golden_dir / "occnet" / name)
    level = float(np.float32(inputs["isovalue"]))
    volume = torch.from_numpy(inputs["volume"]).to(dtype)
    (vertices,), (faces,) = marching_cubes(volume[None], level)
    expected, triangles = outputs["vertices"] - 0.5, outputs["triangles"]
    tolerance = 1e-6 if dtype == torch.float64 else 3e-6
    assert_same_surface(vertices, faces, expected, triangles, tolerance)
    repeated = len(expected) - len(vertices)
    assert repeated == (126 if name == "mcubes_gyroid" else 0)  # on the low sides
    volume = volume_of(vertices + 0.5, faces)
    assert volume == pytest.approx(float(outputs["volume_of_mesh"]), abs=2e-3)


def test_extraction_equals_the_published_program(kernels, golden_dir, golden):
    """Padding, level and scale of Occupancy Networks around the op."""
    inputs, outputs = golden.load(golden_dir / "occnet" / "extract_mesh")
    threshold = float(inputs["threshold"])
    level = float(np.float32(math.log(threshold) - math.log(1 - threshold)))
    logits = np.pad(inputs["occ_hat"].astype(np.float64), 1, constant_values=-1e6)
    (vertices,), (faces,) = marching_cubes(logits[None], level)
    vertices = 1.1 * ((vertices - 1) / (len(inputs["occ_hat"]) - 1) - 0.5)
    assert_same_surface(
        vertices, faces, outputs["vertices"], outputs["faces"], tolerance=1e-6
    )
    assert len(vertices) == len(outputs["vertices"])
    assert volume_of(vertices, faces) == pytest.approx(float(outputs["volume"]))


def test_a_ball_has_its_volume_and_its_area_around_the_centre(kernels):
    (vertices,), (faces,) = marching_cubes(ball(40, 15.0, 19.3)[None])
    exact = 4 / 3 * math.pi * 15**3
    assert volume_of(vertices, faces) == pytest.approx(exact, rel=5e-3)
    radius = (vertices - 19.3).norm(dim=1)
    torch.testing.assert_close(radius, torch.full_like(radius, 15), atol=0.02, rtol=0)
    assert len(faces) == 2 * len(vertices) - 4  # Euler: a closed surface, no handle


@pytest.mark.parametrize("level", [-0.7, 0.0, 0.4])
def test_surfaces_of_noise_are_closed(kernels, level):
    """Noise holds all cases and all ambiguous sides."""
    volume = torch.nn.functional.pad(noise(1, 14, 15, 16), (1,) * 6, value=-9.0)
    (vertices,), (faces,) = marching_cubes(volume, level)
    edges = torch.cat((faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]))
    forward = Counter(map(tuple, edges.tolist()))
    backward = Counter(map(tuple, edges.flip(1).tolist()))
    assert forward == backward
    assert torch.equal(faces.unique(), torch.arange(len(vertices)))
    assert volume_of(vertices, faces) > 0


def test_every_case_cuts_exactly_the_edges_that_cross():
    for case, row in enumerate(triangle_table().tolist()):
        crossing = {
            number
            for number, (a, b) in enumerate(EDGES)
            if (case >> a & 1) != (case >> b & 1)
        }
        assert {edge for edge in row if edge >= 0} == crossing


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "shape", [(2, 9, 8, 7), (1, 3, 4, 63), (1, 3, 3, 64), (2, 3, 4, 65), (1, 2, 3, 130)]
)
def test_kernel_equals_twin(compiled, shape, dtype):
    volumes = noise(*shape).to(dtype)
    volumes[0, 1, 1, ::5] = 0.25  # ties
    volumes[0, 0, 1, :3] = torch.tensor([math.inf, -math.inf, math.nan])
    arguments = volumes, 0.25, triangle_table()
    found = torch.ops.svr3d.marching_cubes(*arguments)
    expected = marching_cubes_torch(*arguments)
    assert all(map(torch.equal, found, expected))
    assert found[0].isfinite().all()


def test_a_volume_does_not_depend_on_its_batch(kernels):
    volumes = noise(3, 6, 7, 8)
    volumes[1] = -1  # nothing inside
    vertices, faces = marching_cubes(volumes, 0.1)
    assert [len(vertices[1]), len(faces[1])] == [0, 0]
    for index in range(3):
        (alone,), (triangles,) = marching_cubes(volumes[index : index + 1], 0.1)
        assert torch.equal(vertices[index], alone)
        assert torch.equal(faces[index], triangles)


def test_half_strides_and_arrays(kernels):
    volumes = noise(2, 5, 6, 7)
    view = volumes.permute(0, 3, 2, 1)
    expected = marching_cubes(view.contiguous())
    for found in (marching_cubes(view), marching_cubes(view.numpy())):
        for ours, theirs in zip(found, expected, strict=True):
            assert all(map(torch.equal, ours, theirs))
    half = marching_cubes(view.half())
    assert half[0][0].dtype == torch.float32
    assert torch.equal(half[0][0], marching_cubes(view.half().float())[0][0])


@pytest.mark.parametrize(
    "shape", [(2, 0, 4, 4), (2, 4, 1, 4), (1, 1, 1, 1), (1, 3, 3, 0)]
)
def test_volumes_without_cells_have_no_faces(kernels, shape):
    vertices, faces = marching_cubes(noise(*shape))
    assert [tuple(part.shape) for part in faces] == [(0, 3)] * shape[0]
    assert len(vertices) == shape[0]
    assert marching_cubes(noise(0, 3, 3, 3)) == ([], [])


def test_threads_do_not_change_a_bit(compiled, threads):
    volumes = noise(2, 30, 20, 70)
    results = []
    for count in (1, 2, 5):
        threads(count)
        vertices, faces = marching_cubes(volumes)
        results.append(vertices + faces)
    for other in results[1:]:
        assert all(map(torch.equal, results[0], other))


def test_schema_and_compilation(compiled):
    arguments = noise(2, 5, 5, 5), 0.0, triangle_table()
    torch.library.opcheck(torch.ops.svr3d.marching_cubes, arguments)
    with torch._dynamo.config.patch(capture_dynamic_output_shape_ops=True):
        run = torch.compile(
            torch.ops.svr3d.marching_cubes, fullgraph=True, backend="aot_eager"
        )
        found = run(*arguments)
    expected = torch.ops.svr3d.marching_cubes(*arguments)
    assert all(map(torch.equal, found, expected))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"volumes": noise(4, 4, 4)}, ValueError, r"\(B, X, Y, Z\), found \(4, 4, 4\)"),
        ({"volumes": [[[[0.0]]]]}, TypeError, "volumes: .*Tensor.*found list"),
        ({"volumes": torch.ones(1, 2, 2, 2).int()}, TypeError, "volumes: .*int32"),
        ({"level": "0"}, TypeError, "level: expected a float, found str"),
        ({"level": math.nan}, ValueError, "level: .*finite.*nan"),
    ],
)
def test_errors_name_argument_expected_and_found(kernels, change, error, message):
    with pytest.raises(error, match=message):
        marching_cubes(**({"volumes": noise(1, 3, 3, 3)} | change))


def test_direct_calls_are_checked_too(compiled):
    op, volumes = torch.ops.svr3d.marching_cubes, noise(1, 3, 3, 3)
    with pytest.raises(RuntimeError, match="edges 0 to 11, found 12"):
        op(volumes, 0.0, triangle_table() + (triangle_table() == 11).char())
    with pytest.raises(RuntimeError, match="end with -1"):
        op(volumes, 0.0, torch.zeros(256, 16, dtype=torch.int8))
    with pytest.raises(RuntimeError, match="Float or Double"):
        op(volumes.half(), 0.0, triangle_table())
