# SPDX-License-Identifier: Apache-2.0
"""Which points lie inside an object."""

import numpy as np
import torch

from svr3d.io.meshes import MeshData
from svr3d.ops import points_inside


def label_points(mesh: MeshData, points: np.ndarray) -> np.ndarray:
    """Return for each point (N, 3) whether it lies inside the mesh (N,).

    The rule of `svr3d.ops.points_inside`; points outside the mesh's bounding box are
    outside without a query.
    """
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    near = ((points >= low) & (points <= high)).all(axis=1)
    inside = np.zeros(len(points), dtype=bool)
    if near.any():
        inside[near] = points_inside(
            torch.from_numpy(mesh.vertices),
            torch.from_numpy(mesh.faces),
            torch.from_numpy(np.ascontiguousarray(points[near])),
        ).numpy()
    return inside
