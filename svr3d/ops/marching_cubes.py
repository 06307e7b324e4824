# SPDX-License-Identifier: Apache-2.0
"""Triangle meshes of the level surfaces of volumes."""

import math
from numbers import Real

import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import TensorLike, as_tensor
from svr3d.ops._torch.marching_cubes import marching_cubes_torch
from svr3d.ops._torch.marching_cubes_table import triangle_table


def marching_cubes(
    volumes: TensorLike, level: float = 0.0
) -> tuple[list[Tensor], list[Tensor]]:
    """Extracts the surface between values above the level and all others.

    Lorensen and Cline, "Marching cubes" (1987), with the customary table of 256 cases:
    positions and triangles are those of the programs that use it. Occupancy Networks'
    adds 0.5 to coordinates, and repeats vertices on the volume's sides x = 0, y = 0 and
    z = 0, which are shared here; all else is equal. One path is both exact and fast.
    Where a side of a cell is ambiguous the corners not above the level are cut
    off, in both cells that share it: a surface is closed except where the volume ends.
    Pad with a low value to close it there. Results do not depend on threads; the order
    is that of cells, x outermost and z innermost.

    A value equal to the level is not above it; the surface then touches the corner and
    triangles without area occur. NaN is not above any level; beside NaN or infinity a
    vertex lies in the middle of its edge. Nothing is differentiable.

    Args:
        volumes: (B, X, Y, Z), any floating dtype; half and bfloat16 are computed, and
            their vertices returned, in float32.
        level: Of the surface; rounded to the volumes' dtype.

    Returns:
        Per volume vertices (V_i, 3) in index coordinates (value [x, y, z] lies at
        (x, y, z)), and faces (F_i, 3) int64, counter-clockwise seen from outside,
        where values are low. Vertices on the same edge are shared.

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If a shape is wrong or the level is not finite.
    """
    volumes = as_tensor(volumes, "volumes").detach()
    if not volumes.is_floating_point():
        raise TypeError(f"volumes: expected a floating dtype, found {volumes.dtype}")
    if volumes.ndim != 4:
        raise ValueError(
            f"volumes: expected shape (B, X, Y, Z), found {tuple(volumes.shape)}"
        )
    if isinstance(level, bool) or not isinstance(level, Real):
        raise TypeError(f"level: expected a float, found {type(level).__name__}")
    if not math.isfinite(level):
        raise ValueError(f"level: expected a finite number, found {level}")
    if volumes.dtype not in (torch.float32, torch.float64):
        volumes = volumes.float()
    arguments = volumes, float(level), triangle_table()
    if _library.has_kernel("marching_cubes", volumes):
        found = torch.ops.svr3d.marching_cubes(*arguments)
    else:
        found = marching_cubes_torch(*arguments)
    vertices, faces, num_vertices, num_faces = found
    return (
        list(vertices.split(num_vertices.tolist())),
        list(faces.split(num_faces.tolist())),
    )


def _fake(
    volumes: Tensor, level: float, table: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    context = torch.library.get_ctx()
    vertices = volumes.new_empty((context.new_dynamic_size(), 3))
    faces = volumes.new_empty((context.new_dynamic_size(), 3), dtype=torch.int64)
    counts = [volumes.new_empty(volumes.shape[:1], dtype=torch.int64) for _ in "vf"]
    return vertices, faces, *counts


if _library.load():
    torch.library.register_fake("svr3d::marching_cubes", _fake)
