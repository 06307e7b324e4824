# SPDX-License-Identifier: Apache-2.0
"""The published visibility-fill rule."""

import numpy as np
import pytest
import torch
from shapes import cube, merge, soup, sphere

from svr3d.ops import voxelize_meshes
from svr3d.ops._torch.voxelize_visibility import voxelize_visibility_torch

CASES = ["ellipsoid_16", "sphere642_32", "boxes_24"]
STEPS = {"sub1.0": 1, "sub1.1": 2, "sub1.2": 4, "sub2": 8, "surface": 15, "voxels": 31}


def apart(triangles: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, F, 3, 3) corners as vertices of their own and faces."""
    batch, count = triangles.shape[:2]
    faces = torch.arange(3 * count).reshape(1, count, 3).expand(batch, -1, -1)
    return triangles.reshape(batch, 3 * count, 3), faces


@pytest.mark.parametrize("name", CASES)
def test_recorded_parts_are_equal_bit_for_bit(kernels, golden, golden_dir, name):
    inputs, outputs = golden.load(golden_dir / "voxelize" / name)
    size = int(inputs["size"])
    triangles = torch.from_numpy(inputs["faces"])
    vertices = (triangles * size).reshape(-1, 3)
    faces = torch.arange(len(vertices)).reshape(-1, 3)
    first = torch.arange(len(triangles) + 1) * triangles.shape[1]
    op = voxelize_visibility_torch
    if kernels == "compiled":
        op = torch.ops.svr3d.voxelize_visibility
    for part, steps in STEPS.items():
        found = op(vertices, faces, first, size, steps)
        assert np.array_equal(found.numpy(), outputs[part]), part


@pytest.mark.parametrize("name", CASES)
def test_recorded_grids_are_equal_bit_for_bit(kernels, golden, golden_dir, name):
    inputs, outputs = golden.load(golden_dir / "voxelize" / name)
    vertices, faces = apart(torch.from_numpy(inputs["faces"]).double() - 0.5)
    found = voxelize_meshes(vertices, faces, int(inputs["size"]), mode="visibility")
    assert np.array_equal(found.numpy(), outputs["voxels"])


@pytest.mark.parametrize("name", CASES)
def test_recorded_normalised_grids(compiled, golden, golden_dir, name):
    """The published optional normalisation: the batch as a whole to the cube."""
    inputs, outputs = golden.load(golden_dir / "voxelize" / name)
    size = int(inputs["size"])
    faces = torch.from_numpy(inputs["faces"])
    faces = faces - faces.amin((0, 1, 2))
    faces = faces / faces.amax() * (size - 1) / size
    faces = faces + (1 - faces.amax((0, 1, 2))) / 2
    vertices, index = apart(faces.double() - 0.5)
    found = voxelize_meshes(vertices, index, size, mode="visibility")
    assert (found.numpy() != outputs["voxels_normalized"]).mean() < 0.005


@pytest.mark.parametrize("name", ["CVPR18", "NIPS17", "Pascal3D"])
def test_recorded_evaluation(compiled, golden, golden_dir, name):
    """Voxel IoU of the three data sets, each with its own order of axes."""
    inputs, outputs = golden.load(golden_dir / "voxelize" / "eval_iou")
    vertices = torch.from_numpy(inputs["vertices"])
    unit = (vertices + 1) / 2 if name == "Pascal3D" else vertices * 31 / 32 + 0.5
    faces = torch.from_numpy(inputs["faces"])
    grid = voxelize_meshes(unit.double() - 0.5, faces, 32, mode="visibility")
    axes, flips = {
        "CVPR18": ((0, 2, 1, 3), (3,)),
        "NIPS17": ((0, 3, 2, 1), (1,)),
        "Pascal3D": ((0, 1, 3, 2), (1, 2, 3)),
    }[name]
    grid = grid.permute(axes).flip(flips)
    assert np.array_equal(grid.numpy(), outputs[f"grid.{name}"])
    truth = torch.from_numpy(inputs["voxels"])
    union = ((grid + truth) > 0).sum((1, 2, 3))
    iou = (grid * truth).sum((1, 2, 3)).float() / union
    np.testing.assert_allclose(iou.numpy(), outputs[f"iou.{name}"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("resolution", [1, 2, 9, 32])
@pytest.mark.parametrize(
    "mesh", [soup(60, size=0.5), soup(40, 1, 3.0), sphere(0.4), soup(30, 2, 1e-3)]
)
def test_kernel_equals_twin(compiled, mesh, resolution):
    vertices, faces = mesh
    positions = (vertices.float() + 0.5) * resolution
    first = torch.tensor([0, len(faces) // 2, len(faces)])
    arguments = (positions, faces, first, resolution)
    found = torch.ops.svr3d.voxelize_visibility(*arguments, 31)
    assert torch.equal(found, voxelize_visibility_torch(*arguments))


def test_slivers_equal_twin(compiled):
    """Rounding puts hits of such triangles where no bounding box expects them."""
    generator = torch.Generator().manual_seed(0)
    start = torch.rand((200, 1, 3), generator=generator) * 24
    along = torch.randn((200, 1, 3), generator=generator)
    places = torch.tensor([0.0, 7.0, 15.0]).reshape(1, 3, 1)
    noise = torch.randn((200, 3, 3), generator=generator) * 1e-6
    vertices = (start + along * places + noise).reshape(-1, 3)
    faces = torch.arange(600).reshape(-1, 3)
    arguments = (vertices, faces, torch.tensor([0, 200]), 24)
    found = torch.ops.svr3d.voxelize_visibility(*arguments, 7)
    assert torch.equal(found, voxelize_visibility_torch(*arguments, 7))


def test_box_is_filled_and_box_without_lid_is_not(kernels):
    vertices, faces = cube(0.61)
    closed = voxelize_meshes(vertices, faces, 16, mode="visibility")
    assert closed[3:13, 3:13, 3:13].all()
    assert closed.sum() == 10**3
    lidless = faces[~(vertices[faces][:, :, 1] > 0).all(1)]
    hollow = voxelize_meshes(vertices, lidless, 16, mode="visibility")
    assert not hollow[4:12, 4:, 4:12].any()


def test_cavity_is_filled(kernels):
    mesh = merge(cube(0.9), cube(0.4))
    grid = voxelize_meshes(*mesh, 16, mode="visibility")
    assert torch.equal(grid, voxelize_meshes(*cube(0.9), 16, mode="visibility"))


def test_threads_do_not_change_a_bit(compiled, threads):
    vertices = torch.stack([soup(50, seed)[0] for seed in range(3)])
    results = []
    for count in (1, 3):
        threads(count)
        grid = voxelize_meshes(vertices, soup(50)[1], 16, mode="visibility")
        results.append(grid)
    assert torch.equal(*results)


def test_registration_and_direct_calls(compiled):
    vertices, faces = cube(10.0, (8.0, 8, 8))
    arguments = (vertices.float(), faces, torch.tensor([0, 12]), 16)
    op = torch.ops.svr3d.voxelize_visibility
    torch.library.opcheck(op, (*arguments, 31))
    with pytest.raises(RuntimeError, match="first_face must rise"):
        op(*arguments[:2], torch.tensor([0, 11]), 16, 31)
    with pytest.raises(RuntimeError, match="faces must index"):
        op(arguments[0], faces + 1, *arguments[2:], 31)
