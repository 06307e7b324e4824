# SPDX-License-Identifier: Apache-2.0
"""Occupancy grids of meshes on the grid of the data contract."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import check_size
from svr3d.ops._packed import Meshes, PackedMeshes, pack_meshes, plain_mesh
from svr3d.ops._torch.voxelize_parity import voxelize_parity_torch
from svr3d.ops._torch.voxelize_surface import voxelize_surface_torch
from svr3d.ops._torch.voxelize_visibility import voxelize_visibility_torch
from svr3d.ops.points_inside import points_inside

_MODES = ("solid", "surface", "inside", "parity", "visibility")
_ALL_STEPS = 31


def voxelize_meshes(
    vertices: Meshes,
    faces: Meshes,
    resolution: int,
    *,
    mode: Literal["solid", "surface", "inside", "parity", "visibility"] = "solid",
) -> Tensor:
    """Fills a grid over [-0.5, 0.5]^3 with the cells that a mesh occupies.

    What lies outside the grid is cut off. The rules differ in what they call occupied:

    * ``surface``: every cell that some triangle touches, borders included (exact
      separating-axis test; Schwarz and Seidel, "Fast parallel surface and solid
      voxelization on GPUs", 2010).
    * ``inside``: the cells whose centre is inside by
      :func:`svr3d.ops.points_inside`: right for open, overlapping and inverted parts.
    * ``solid``: the union of both, half a voxel fatter than ``inside``.
    * ``parity``: the cells whose centre lies above an odd number of faces along z. The
      fastest, and equal to ``inside`` for watertight meshes whose parts do not overlap;
      overlaps and cavities come out empty, and an open mesh leaves wrong columns
      where its holes are.
    * ``visibility``: the rule of the published voxel IoU of Kato et al., "Neural 3D
      Mesh Renderer" (2018), bit for bit in float32: a triangle marks the four cells
      around each grid corner that it covers, seen along each axis, and the cells of
      its own corners; then all is filled that empty border cells do not reach. It is
      nearly a voxel fatter than ``inside``, fills cavities, keeps open meshes hollow
      and loses the filling of what the grid cuts open.

    Args:
        vertices: (V, 3) positions in the object frame; (B, V, 3) or a list of
            (V_i, 3) for a batch.
        faces: (F, 3) vertex indices, for a batch shared by all meshes; or (B, F, 3)
            or a list of (F_i, 3).
        resolution: Cells per axis, 1 to 1024; cell i covers
            [i / R - 0.5, (i + 1) / R - 0.5].
        mode: What to mark.

    Returns:
        (R, R, R) uint8 in the order [x, y, z], 1 where occupied; (B, R, R, R) for a
        batch.

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If an argument's shape, range or content is wrong.
    """
    if mode not in _MODES:
        raise ValueError(f"mode: expected one of {', '.join(_MODES)}, found {mode!r}")
    resolution = check_size(resolution, "resolution", high=1024)
    if mode == "parity" and plain_mesh(vertices, faces):
        try:
            op = torch.ops.svr3d.voxelize_parity
            return op(vertices.detach(), faces, None, resolution)[0]
        except RuntimeError:
            pass  # the checks that follow say what is wrong, argument by argument
    meshes = pack_meshes(vertices, faces)
    if mode == "parity":
        grids = _parity(meshes, resolution)
    elif mode == "visibility":
        grids = _visibility(meshes, resolution)
    elif mode == "surface":
        grids = _surfaces(meshes, resolution)
    else:
        grids = _inside(meshes, resolution)
        if mode != "inside":
            grids = grids | _surfaces(meshes, resolution)
    return grids if meshes.batched else grids[0]


def _inside(meshes: PackedMeshes, resolution: int) -> Tensor:
    positions = meshes.vertices.double()
    if positions.is_cpu and _library.available():
        return torch.ops.svr3d.voxelize_inside(
            positions, meshes.faces, meshes.first_face, resolution
        )
    centres = _cell_centres(resolution, positions.device)
    return _each(
        meshes,
        resolution,
        lambda faces: (
            points_inside(positions, faces, centres).reshape((resolution,) * 3).byte()
        ),
    )


def _surfaces(meshes: PackedMeshes, resolution: int) -> Tensor:
    positions = meshes.vertices.double()
    return _each(
        meshes, resolution, lambda faces: _surface(positions, faces, resolution)
    )


def _each(
    meshes: PackedMeshes, resolution: int, grid_of: Callable[[Tensor], Tensor]
) -> Tensor:
    bounds = meshes.first_face.tolist()
    grids = [
        grid_of(meshes.faces[begin:end])
        for begin, end in zip(bounds[:-1], bounds[1:], strict=True)
    ]
    if grids:
        return torch.stack(grids)
    return meshes.vertices.new_zeros((0,) + (resolution,) * 3, dtype=torch.uint8)


def _surface(vertices: Tensor, faces: Tensor, resolution: int) -> Tensor:
    if _library.has_kernel("voxelize_surface", vertices):
        return torch.ops.svr3d.voxelize_surface(vertices, faces, resolution)
    return voxelize_surface_torch(vertices, faces, resolution)


def _parity(meshes: PackedMeshes, resolution: int) -> Tensor:
    positions = meshes.vertices
    if positions.dtype not in (torch.float32, torch.float64):
        positions = positions.float()
    arguments = (positions, meshes.faces, meshes.first_face, resolution)
    if _library.has_kernel("voxelize_parity", positions):
        return torch.ops.svr3d.voxelize_parity(*arguments)
    return voxelize_parity_torch(*arguments)


def _visibility(meshes: PackedMeshes, resolution: int) -> Tensor:
    # Added in double, so that positions which were float32 in the unit cube come back
    # as the same bits.
    positions = (meshes.vertices.double() + 0.5).float() * resolution
    arguments = (positions, meshes.faces, meshes.first_face, resolution)
    if _library.has_kernel("voxelize_visibility", positions):
        return torch.ops.svr3d.voxelize_visibility(*arguments, _ALL_STEPS)
    return voxelize_visibility_torch(*arguments)


def _cell_centres(resolution: int, device: torch.device) -> Tensor:
    axis = torch.arange(resolution, device=device, dtype=torch.float64)
    axis = (axis + 0.5) / resolution - 0.5
    x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")
    return torch.stack((x, y, z), dim=-1).reshape(-1, 3)


def _fake_grid(vertices: Tensor, faces: Tensor, resolution: int) -> Tensor:
    torch._check(resolution > 0)
    return vertices.new_empty((resolution,) * 3, dtype=torch.uint8)


def _fake_parity(
    vertices: Tensor, faces: Tensor, first_face: Tensor | None, resolution: int
) -> Tensor:
    batch = 1 if first_face is None else first_face.shape[0] - 1
    shape = (batch,) + (resolution,) * 3
    return vertices.new_empty(shape, dtype=torch.uint8)


def _fake_packed(
    vertices: Tensor,
    faces: Tensor,
    first_face: Tensor,
    resolution: int,
    steps: int = 0,
) -> Tensor:
    shape = (first_face.shape[0] - 1,) + (resolution,) * 3
    return vertices.new_empty(shape, dtype=torch.uint8)


if _library.load():
    torch.library.register_fake("svr3d::voxelize_surface", _fake_grid)
    torch.library.register_fake("svr3d::voxelize_inside", _fake_packed)
    torch.library.register_fake("svr3d::voxelize_parity", _fake_parity)
    torch.library.register_fake("svr3d::voxelize_visibility", _fake_packed)
