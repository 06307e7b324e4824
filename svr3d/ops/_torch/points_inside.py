# SPDX-License-Identifier: Apache-2.0
"""The inside rule in torch and numpy: part splitting, orientation, winding numbers."""

from collections import defaultdict

import numpy as np
import torch
from torch import Tensor

from svr3d.ops._torch.winding_number import winding_number_torch

_FLAT = 0.01  # volume / area^1.5 under which an open part's volume says nothing


def split_parts(
    vertices: np.ndarray, faces: np.ndarray
) -> list[tuple[np.ndarray, bool]]:
    """Splits a mesh into parts whose faces agree and look outward.

    Args:
        vertices: (V, 3) float64.
        faces: (F, 3) int64.

    Returns:
        Per part its triangles (n, 3, 3) and whether it is closed.
    """
    if not len(faces):
        return []
    _, merged = np.unique(vertices, axis=0, return_inverse=True)
    faces_merged = merged.reshape(-1)[faces]
    triangles = vertices[faces]
    u, v = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    normals = np.cross(u, v)
    bound = 1e-28 * (u**2).sum(-1) * (v**2).sum(-1)
    kept = np.flatnonzero((normals**2).sum(-1) > bound)
    _, first = np.unique(np.sort(faces_merged[kept], axis=1), axis=0, return_index=True)
    kept = kept[np.sort(first)]
    faces_merged, triangles = faces_merged[kept], triangles[kept].copy()

    edges = defaultdict(list)
    for index, face in enumerate(faces_merged.tolist()):
        for side in range(3):
            start, end = face[side], face[(side + 1) % 3]
            key = (min(start, end), max(start, end))
            edges[key].append((index, start < end))
    links = defaultdict(list)
    for users in edges.values():
        if len(users) == 2:
            (f, forward_f), (g, forward_g) = users
            links[f].append((g, forward_f == forward_g))
            links[g].append((f, forward_f == forward_g))

    flipped = np.full(len(kept), -1)
    parts = []
    for seed in range(len(kept)):
        if flipped[seed] >= 0:
            continue
        flipped[seed], members, closed = 0, [seed], True
        for face in members:  # grows while it is walked
            closed &= len(links[face]) == 3
            for other, flip in links[face]:
                wanted = int(flipped[face]) ^ int(flip)
                if flipped[other] < 0:
                    flipped[other] = wanted
                    members.append(other)
                elif flipped[other] != wanted:
                    closed = False
        members = np.sort(members)
        parts.append(
            (_outward(triangles[members], flipped[members] == 1, closed), closed)
        )
    return parts


def _outward(triangles: np.ndarray, flip: np.ndarray, closed: bool) -> np.ndarray:
    triangles = np.where(flip[:, None, None], triangles[:, [0, 2, 1]], triangles)
    normals = np.cross(
        triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    )
    areas = np.linalg.norm(normals, axis=1) / 2
    centre = (areas[:, None] * triangles.mean(1)).sum(0) / areas.sum()
    corners = triangles - centre
    volume = (corners[:, 0] * np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    flat = not closed and abs(volume) < _FLAT * areas.sum() ** 1.5
    inward = areas[flip].sum() > areas.sum() / 2 if flat else volume < 0
    return triangles[:, [0, 2, 1]] if inward else triangles


def points_inside_torch(vertices: Tensor, faces: Tensor, points: Tensor) -> Tensor:
    """Applies the rule of :func:`svr3d.ops.points_inside` with exact numbers.

    Args:
        vertices: (V, 3) float64.
        faces: (F, 3) int64.
        points: (P, 3) float64.

    Returns:
        (P,) bool.
    """
    inside = torch.zeros(len(points), dtype=torch.bool, device=points.device)
    parts = split_parts(vertices.cpu().numpy(), faces.cpu().numpy())
    if not parts or not len(points):
        return inside
    total = points.new_zeros(len(points))
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for triangles, _ in parts:
        corners = torch.from_numpy(np.ascontiguousarray(triangles)).to(points)
        corners = corners.reshape(-1, 3)
        part_faces = torch.arange(len(corners), device=points.device).reshape(-1, 3)
        winding = winding_number_torch(corners, part_faces, points)
        within = (points >= corners.amin(0)) & (points <= corners.amax(0))
        inside |= (winding > 0.5) & within.all(1)
        total += winding
        low = np.minimum(low, corners.amin(0).cpu().numpy())
        high = np.maximum(high, corners.amax(0).cpu().numpy())
    box = torch.from_numpy(np.stack([low, high])).to(points)
    within = ((points >= box[0]) & (points <= box[1])).all(1)
    return inside | ((total > 0.5) & within)
