# SPDX-License-Identifier: Apache-2.0
"""Grids of the cells that a mesh fills, by the rules of published data."""

import numpy as np
import torch

from svr3d.io.mesh_data import MeshData
from svr3d.ops import voxelize_meshes


def solid_grid(mesh: MeshData, resolution: int, *, rule: str = "solid") -> np.ndarray:
    """Return which cells of the object frame's cube a mesh fills.

    ``solid`` takes the cells whose centre is inside or that a triangle touches.
    ``visibility`` is the rule that voxel IoU of the neural mesh renderer is measured
    by: the mesh is shrunk by one cell, ``(R - 1) / R``, and voxelised by what can be
    seen. That keeps open meshes hollow, so the cells whose centre is inside are added:
    a prediction, which is closed, is then compared with something closed.

    Args:
        mesh: Geometry in the object frame.
        resolution: Cells R along each side.
        rule: ``solid`` or ``visibility``.

    Returns:
        (R, R, R) uint8 in the order [x, y, z].
    """
    vertices, faces = torch.from_numpy(mesh.vertices), torch.from_numpy(mesh.faces)
    if rule == "solid":
        return voxelize_meshes(vertices, faces, resolution, mode="solid").numpy()
    vertices = vertices * ((resolution - 1) / resolution)
    seen, inside = (
        voxelize_meshes(vertices, faces, resolution, mode=mode)
        for mode in ("visibility", "inside")
    )
    return (seen | inside).numpy()
