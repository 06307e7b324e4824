# SPDX-License-Identifier: Apache-2.0
"""Batches of meshes, in every mode of voxelisation."""

import pytest
import torch
from shapes import cube, merge, soup, sphere

from svr3d.ops import voxelize_meshes
from svr3d.ops.voxelize_meshes import _MODES


@pytest.mark.parametrize("mode", _MODES)
def test_lists_of_different_meshes(kernels, mode):
    meshes = [cube(0.7), soup(20), sphere(0.4, 6), cube(0.3)]
    meshes[3] = (meshes[3][0], meshes[3][1][:0])  # no faces
    vertices, faces = (list(parts) for parts in zip(*meshes, strict=True))
    found = voxelize_meshes(vertices, faces, 8, mode=mode)
    assert found.shape == (4, 8, 8, 8)
    for grid, mesh in zip(found, meshes, strict=True):
        assert torch.equal(grid, voxelize_meshes(*mesh, 8, mode=mode))


@pytest.mark.parametrize("mode", _MODES)
def test_threads_share_large_meshes_and_batches_without_a_trace(
    compiled, threads, mode
):
    vertices, faces = sphere(0.45, 60)  # 14,160 faces: shared within one mesh too
    meshes = [(vertices, faces), merge(cube(0.2), (vertices, faces[600:]), soup(300))]
    found = []
    for count in (1, 2, 5):
        threads(count)
        batch = voxelize_meshes(*map(list, zip(*meshes, strict=True)), 16, mode=mode)
        single = [voxelize_meshes(*mesh, 16, mode=mode) for mesh in meshes]
        assert torch.equal(batch, torch.stack(single))
        found.append(batch)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.parametrize("mode", _MODES)
def test_shared_faces_and_strides(kernels, mode):
    vertices, faces = cube(0.7)
    batch = torch.stack((vertices, vertices * 0.5, vertices * 1.1)).float()
    found = voxelize_meshes(batch, faces.int(), 8, mode=mode)
    each = voxelize_meshes(batch, faces.expand(3, -1, -1), 8, mode=mode)
    assert torch.equal(found, each)
    strided = torch.empty(3, 3, 8).copy_(batch.transpose(1, 2)).transpose(1, 2)
    assert not strided.is_contiguous()
    assert torch.equal(found, voxelize_meshes(strided, faces, 8, mode=mode))
    single = [voxelize_meshes(part, faces, 8, mode=mode) for part in batch]
    assert torch.equal(found, torch.stack(single))


@pytest.mark.parametrize("mode", _MODES)
def test_empty_batches(kernels, mode):
    faces = torch.zeros(1, 3).long()
    for vertices in (torch.zeros(0, 4, 3), []):
        grid = voxelize_meshes(vertices, faces, 4, mode=mode)
        assert grid.shape == (0, 4, 4, 4)
        assert grid.dtype == torch.uint8


@pytest.mark.parametrize("mode", _MODES)
def test_half_precision_is_widened(kernels, mode):
    vertices, faces = cube(0.7)
    for dtype in (torch.float16, torch.bfloat16):
        low = vertices.to(dtype)
        found = voxelize_meshes(low, faces, 8, mode=mode)
        assert torch.equal(found, voxelize_meshes(low.float(), faces, 8, mode=mode))


@pytest.mark.parametrize(
    ("vertices", "faces", "error", "message"),
    [
        ([torch.zeros(3, 3)], [], ValueError, "faces: expected 1 meshes.*found 0"),
        ([torch.zeros(3, 2)], [torch.zeros(0, 3).long()], ValueError, r"vertices\[0\]"),
        (
            [torch.zeros(3, 3), torch.zeros(3, 3).double()],
            torch.zeros(0, 3).long(),
            ValueError,
            r"vertices\[1\]: expected torch.float32.*found torch.float64",
        ),
        (
            torch.zeros(2, 3, 3),
            torch.full((2, 1, 3), 3),
            ValueError,
            "faces: .*0 to 2.*found 3",
        ),
        (torch.full((1, 3, 3), torch.nan), torch.zeros(1, 3).long(), ValueError, "NaN"),
    ],
)
def test_errors_name_the_argument(vertices, faces, error, message):
    with pytest.raises(error, match=message):
        voxelize_meshes(vertices, faces, 4)
