# SPDX-License-Identifier: Apache-2.0
"""Winding number by summing all solid angles in torch."""

import math

import torch
from torch import Tensor

_PAIRS_AT_ONCE = 1 << 22  # bounds the working memory to some hundred megabytes


def winding_number_torch(vertices: Tensor, faces: Tensor, points: Tensor) -> Tensor:
    """Computes exact winding numbers.

    Source: van Oosterom and Strackee, "The solid angle of a plane triangle" (1983),
    equation 8.

    Args:
        vertices: (V, 3) float64.
        faces: (F, 3) int64.
        points: (P, 3) float64.

    Returns:
        (P,) float64.
    """
    triangles = vertices[faces]
    if len(faces):
        u, v = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
        area = torch.linalg.cross(u, v).square().sum(-1)
        bound = 1e-28 * u.square().sum(-1) * v.square().sum(-1)
        triangles = triangles[area > bound]
    result = points.new_zeros(len(points))
    if not len(triangles):
        return result
    step = max(1, _PAIRS_AT_ONCE // len(triangles))
    for start in range(0, len(points), step):
        query = points[start : start + step, None, None]
        a, b, c = (triangles[None] - query).unbind(2)
        la, lb, lc = a.norm(dim=-1), b.norm(dim=-1), c.norm(dim=-1)
        volume = (a * torch.linalg.cross(b, c)).sum(-1)
        cosine = la * lb * lc
        cosine = cosine + (a * b).sum(-1) * lc
        cosine = cosine + (b * c).sum(-1) * la
        cosine = cosine + (c * a).sum(-1) * lb
        angle = torch.atan2(volume, cosine)
        angle = torch.where(volume == 0, torch.zeros_like(angle), angle)
        result[start : start + step] = angle.sum(-1) / (2 * math.pi)
    return result
