# SPDX-License-Identifier: Apache-2.0
"""Uniform samples of a triangle mesh's surface."""

import torch


def sample_surface(
    vertices: torch.Tensor, faces: torch.Tensor, num_points: int, *, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw points uniformly by area.

    A face is drawn in proportion to its area, then a point in it by
    ``(1 - sqrt(u)) a + sqrt(u) (1 - v) b + sqrt(u) v c`` with u, v uniform (Osada et
    al., Shape Distributions, 2002, equation 1). Draws are made on the CPU, so that they
    are the same on every device.

    Args:
        vertices: Corners (V, 3).
        faces: Triangles (F, 3) int64.
        num_points: Number of points, N.
        seed: Of the random draws.

    Returns:
        Points (N, 3), differentiable in the vertices, and unit normals (N, 3) of their
        faces.

    Raises:
        ValueError: No face has a positive area.
    """
    corners = vertices[faces]
    a, b, c = corners.unbind(1)
    normals = torch.linalg.cross(b - a, c - a)
    double_areas = normals.norm(dim=1)
    cumulative = double_areas.detach().cpu().double().cumsum(0)
    if len(cumulative) == 0 or not cumulative[-1] > 0:
        raise ValueError(
            f"cannot sample a surface without area: {len(faces)} faces, "
            f"{len(vertices)} vertices"
        )
    generator = torch.Generator().manual_seed(seed)
    draws = torch.rand(num_points, 3, generator=generator, dtype=torch.float64)
    # right=True passes over faces without area, whose sum equals their predecessor's.
    index = torch.searchsorted(cumulative, draws[:, 0] * cumulative[-1], right=True)
    index = index.clamp_max(len(faces) - 1).to(vertices.device)
    draws = draws.to(vertices)
    root, share = draws[:, 1:2].sqrt(), draws[:, 2:3]
    points = (
        (1 - root) * a[index] + root * (1 - share) * b[index] + root * share * c[index]
    )
    return points, normals[index] / double_areas[index, None]
