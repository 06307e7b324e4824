# SPDX-License-Identifier: Apache-2.0
"""Bring a mesh into the object frame."""

from dataclasses import dataclass, replace

import numpy as np

from svr3d.io.meshes import MeshData

UP_AXES = ("y", "z")


@dataclass
class PlacedMesh:
    """A mesh in the object frame and how it got there.

    Attributes:
        mesh: y up, bounding box centred, longest side 1.
        loc: Centre (3,) of the bounding box in the file's units, y up.
        scale: Longest side of the bounding box in the file's units.
        diagonal: Diagonal of the bounding box in the object frame, 1 to sqrt(3).
    """

    mesh: MeshData
    loc: np.ndarray
    scale: float
    diagonal: float


def normalize_mesh(mesh: MeshData, *, up: str = "y") -> PlacedMesh:
    """Centre a mesh's bounding box and scale its longest side to 1.

    Args:
        mesh: The mesh as read; `load_mesh` has made sure that it has an extent.
        up: Axis of the file that points up. ``z`` turns (x, y, z) into (x, z, -y).
    """
    if up not in UP_AXES:
        raise ValueError(f"up must be one of {UP_AXES}, found {up!r}")
    vertices = mesh.vertices.astype(np.float64)
    if up == "z":
        vertices = np.stack([vertices[:, 0], vertices[:, 2], -vertices[:, 1]], axis=1)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    loc, scale = (low + high) / 2, float((high - low).max())
    diagonal = float(np.linalg.norm(high - low)) / scale
    placed = replace(mesh, vertices=(vertices - loc) / scale)
    return PlacedMesh(placed, loc, scale, diagonal)
