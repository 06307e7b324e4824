# SPDX-License-Identifier: Apache-2.0
"""Occupancy grids of meshes on the grid of the data contract."""

from typing import Literal

import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import TensorLike, check_faces, check_points, check_size
from svr3d.ops._torch.voxelize_surface import voxelize_surface_torch
from svr3d.ops.points_inside import points_inside

_MODES = ("solid", "surface", "inside")


def voxelize_meshes(
    vertices: TensorLike,
    faces: TensorLike,
    resolution: int,
    *,
    mode: Literal["solid", "surface", "inside"] = "solid",
) -> Tensor:
    """Fills a grid over [-0.5, 0.5]^3 with the cells that a mesh occupies.

    ``surface`` marks every cell that some triangle touches, borders included (exact
    separating-axis test; Schwarz and Seidel, "Fast parallel surface and solid
    voxelization on GPUs", 2010). ``inside`` marks the cells whose centre is inside
    by :func:`svr3d.ops.points_inside`. ``solid`` is the union of both. What lies
    outside the grid is cut off.

    Args:
        vertices: (V, 3) positions in the object frame.
        faces: (F, 3) vertex indices.
        resolution: Cells per axis, 1 to 1024; cell i covers
            [i / R - 0.5, (i + 1) / R - 0.5].
        mode: What to mark.

    Returns:
        (R, R, R) uint8 in the order [x, y, z], 1 where occupied.

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If an argument's shape, range or content is wrong.
    """
    if mode not in _MODES:
        raise ValueError(f"mode: expected one of {', '.join(_MODES)}, found {mode!r}")
    vertices = check_points(vertices, "vertices").detach()
    faces = check_faces(faces, vertices)
    resolution = check_size(resolution, "resolution", high=1024)
    grid = None
    if mode != "inside":
        grid = _surface(vertices.double(), faces, resolution)
    if mode == "surface":
        return grid
    centres = _cell_centres(resolution, vertices.device)
    inside = points_inside(vertices, faces, centres).reshape((resolution,) * 3)
    return inside.byte() if grid is None else grid | inside.byte()


def _surface(vertices: Tensor, faces: Tensor, resolution: int) -> Tensor:
    if vertices.is_cpu and _library.available():
        return torch.ops.svr3d.voxelize_surface(vertices, faces, resolution)
    return voxelize_surface_torch(vertices, faces, resolution)


def _cell_centres(resolution: int, device: torch.device) -> Tensor:
    axis = torch.arange(resolution, device=device, dtype=torch.float64)
    axis = (axis + 0.5) / resolution - 0.5
    x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")
    return torch.stack((x, y, z), dim=-1).reshape(-1, 3)


def _fake(vertices: Tensor, faces: Tensor, resolution: int) -> Tensor:
    torch._check(resolution > 0)
    return vertices.new_empty((resolution,) * 3, dtype=torch.uint8)


if _library.load():
    torch.library.register_fake("svr3d::voxelize_surface", _fake)
